import type { DemoShape } from "./vocabulary.js";

/** SVG path data of a shape that fills the box from (-1,-1) to (1,1); to be drawn with fill-rule evenodd. */
export const shapePath: Record<DemoShape, string> = {
  circle: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0Z",
  square: "M-.92-.92H.92V.92H-.92Z",
  triangle: "M0-1L1 .85H-1Z",
  star: star(5, 0.42),
  cross: "M-.34-1H.34V-.34H1V.34H.34V1H-.34V.34H-1V-.34H-.34Z",
  heart:
    "M0 .98C-.5 .5-1 .12-1-.38C-1-.74-.76-.95-.48-.95C-.26-.95-.09-.83 0-.62C.09-.83 .26-.95 .48-.95C.76-.95 1-.74 1-.38C1 .12 .5 .5 0 .98Z",
  ring: "M-1 0A1 1 0 1 1 1 0A1 1 0 1 1-1 0ZM-.56 0A.56 .56 0 1 0 .56 0A.56 .56 0 1 0-.56 0Z",
  crescent: "M.55-.84A1 1 0 1 0 .55 .84A.72 .72 0 0 1 .55-.84Z",
};

function star(points: number, inner: number): string {
  const corners = Array.from({ length: points * 2 }, (_, i) => {
    const radius = i % 2 === 0 ? 1.06 : inner;
    const angle = (Math.PI * i) / points - Math.PI / 2;
    return `${(radius * Math.cos(angle)).toFixed(3)} ${(radius * Math.sin(angle) + 0.05).toFixed(3)}`;
  });
  return `M${corners.join("L")}Z`;
}
