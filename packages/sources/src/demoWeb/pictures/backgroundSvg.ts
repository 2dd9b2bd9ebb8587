import type { SeededRandom } from "../seededRandom.js";
import { type DemoBackground, demoBackgrounds } from "./vocabulary.js";

/**
 * SVG of a textured ground: the mean tone, a slope of light, and blotches of about a tenth of the side.
 * The blotches matter: perceptual hashes look at luma in some 8 waves across, and flat pictures of one big shape
 * would come out nearly equal for all.
 */
export function backgroundSvg(
  name: DemoBackground,
  width: number,
  height: number,
  random: SeededRandom,
): string {
  const [r, g, b] = demoBackgrounds[name].map((tone) => Math.round(tone + random.between(-9, 9)));
  const side = Math.min(width, height);
  const paths = { light: "", dark: "" };
  const [long, wide] = grain[name];
  const lean = long === wide ? null : random.between(-0.4, 0.4);
  for (let i = 0; i < 44; i++) {
    const reach = side * random.between(0.04, 0.09);
    const turn = lean ?? random.between(0, Math.PI);
    const [x, y] = [random.between(0, width), random.between(0, height)];
    paths[i % 2 === 0 ? "light" : "dark"] += blotch(x, y, reach * long, reach * wide, turn);
  }
  // a slope of light from one side to the other: two half-transparent wedges are cheaper to draw than a gradient
  const light = random.between(0.08, 0.2).toFixed(2);
  const [p, q] = [random.between(0.2, 0.8) * width, random.between(0.2, 0.8) * width].map(Math.round) as [
    number,
    number,
  ];
  const edge = random.chance(0.5)
    ? `M0 0H${p}L${q} ${height}H0Z`
    : `M${width} 0H${p}L${q} ${height}H${width}Z`;
  return (
    `<path fill="rgb(${r},${g},${b})" d="M0 0H${width}V${height}H0Z"/>` +
    `<path fill="#fff" opacity="${light}" d="${edge}"/>` +
    `<path fill="#fff" opacity="${random.between(0.2, 0.34).toFixed(2)}" d="${paths.light}"/>` +
    `<path opacity="${random.between(0.12, 0.2).toFixed(2)}" d="${paths.dark}"/>`
  );
}

/** A six-cornered blotch around (x, y), as path data in whole pixels. */
function blotch(x: number, y: number, long: number, wide: number, turn: number): string {
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const corner = ([u, v]: readonly [number, number]) =>
    `${Math.round(x + u * long * cos - v * wide * sin)} ${Math.round(y + u * long * sin + v * wide * cos)}`;
  return `M${hexagon.map(corner).join("L")}Z`;
}

const hexagon = [
  [1, 0],
  [0.5, 0.9],
  [-0.5, 0.9],
  [-1, 0],
  [-0.5, -0.9],
  [0.5, -0.9],
] as const;

/** Length and width of the blotches, so that grounds differ in grain: fibres, pebbles, streaks. */
const grain: Record<DemoBackground, [number, number]> = {
  paper: [1, 1],
  sand: [1, 1],
  linen: [2.4, 0.5],
  stone: [1.4, 0.9],
  slate: [2.2, 0.6],
  concrete: [1, 1],
  cork: [1.2, 1],
  mint: [1.1, 1.1],
  fog: [1.8, 1.2],
  canvas: [2, 0.6],
};
