import type { DemoShape } from "./vocabulary.js";

/** SVG path data of a shape that fills the box from (-1,-1) to (1,1); to be drawn with fill-rule evenodd. */
export const shapePath: Record<DemoShape, string> = {
  circle: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
  square: "M-.92-.92H.92V.92H-.92Z",
  triangle: "M0-1L1 .85H-1Z",
  star: star(5, 0.5),
  cross: "M-.36-1H.36V-.36H1V.36H.36V1H-.36V.36H-1V-.36H-.36Z",
  ring: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0ZM-.45 0A.45 .45 0 1 0 .45 0A.45 .45 0 1 0-.45 0Z",
};

function star(points: number, inner: number): string {
  const corners = Array.from({ length: points * 2 }, (_, i) => {
    const radius = i % 2 === 0 ? 1.06 : inner;
    const angle = (Math.PI * i) / points - Math.PI / 2;
    return `${(radius * Math.cos(angle)).toFixed(3)} ${(radius * Math.sin(angle) + 0.05).toFixed(3)}`;
  });
  return `M${corners.join("L")}Z`;
}
