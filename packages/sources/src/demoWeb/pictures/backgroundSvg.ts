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
  const angle = random.between(0, Math.PI * 2);
  const [dx, dy] = [Math.cos(angle) / 2, Math.sin(angle) / 2].map((x) => x.toFixed(2)) as [string, string];
  const light = random.between(0.08, 0.22).toFixed(2);
  const slope =
    `<linearGradient id="l" x1="${0.5 - Number(dx)}" y1="${0.5 - Number(dy)}" x2="${0.5 + Number(dx)}" y2="${0.5 + Number(dy)}">` +
    `<stop stop-color="#fff" stop-opacity="${light}"/><stop offset="1" stop-color="#000" stop-opacity="${light}"/></linearGradient>`;
  const paths: Record<"#fff" | "#000", string[]> = { "#fff": [], "#000": [] };
  const [long, wide] = grain[name];
  const tilt = random.between(-0.4, 0.4);
  for (let i = 0; i < 56; i++) {
    const reach = side * random.between(0.035, 0.085);
    const turn = long === wide ? random.between(0, 180) : (tilt * 180) / Math.PI;
    const [x, y] = [random.between(0, width), random.between(0, height)];
    const [rx, ry] = [reach * long, reach * wide];
    const degrees = turn.toFixed(0);
    const cos = rx * Math.cos((turn * Math.PI) / 180);
    const sin = rx * Math.sin((turn * Math.PI) / 180);
    const arc = `A${rx.toFixed(1)} ${ry.toFixed(1)} ${degrees} 1 1 `;
    const [ax, ay] = [(x - cos).toFixed(1), (y - sin).toFixed(1)];
    paths[i % 2 === 0 ? "#fff" : "#000"].push(
      `M${ax} ${ay}${arc}${(x + cos).toFixed(1)} ${(y + sin).toFixed(1)}${arc}${ax} ${ay}Z`,
    );
  }
  const strength = { "#fff": random.between(0.16, 0.26), "#000": random.between(0.1, 0.17) };
  const blotches = (["#fff", "#000"] as const)
    .map(
      (tone) => `<path fill="${tone}" opacity="${strength[tone].toFixed(2)}" d="${paths[tone].join("")}"/>`,
    )
    .join("");
  return (
    `<defs>${slope}</defs><rect width="${width}" height="${height}" fill="rgb(${r},${g},${b})"/>` +
    `${blotches}<rect width="${width}" height="${height}" fill="url(#l)"/>`
  );
}

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
