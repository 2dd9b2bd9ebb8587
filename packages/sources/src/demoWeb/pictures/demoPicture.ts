import { type SeededRandom, seededRandom } from "../seededRandom.js";
import { backgroundSvg } from "./backgroundSvg.js";
import { type DemoPosition, type DemoScene, demoPositions, pictureCaption } from "./pictureCaption.js";
import { shapePath } from "./shapePath.js";
import { type Combination, combinationName, demoBackgroundNames, demoColours } from "./vocabulary.js";

export type DemoFormat = "jpg" | "png" | "webp" | "gif" | "avif";

/** One generated picture: what it shows, what is said of it, and its drawing. */
export interface DemoPicture {
  /** "red star". */
  name: string;
  index: number;
  scene: DemoScene;
  /** Pixels: 96–320 a side, nearly square. */
  width: number;
  height: number;
  /** The format in which the demo web serves it. */
  format: DemoFormat;
  /** The first of `captions`. */
  caption: string;
  /** Six ways to say it; some may be equal. */
  captions: string[];
  /** Drawn when asked for. */
  readonly svg: string;
}

/** Picture number `index` of a combination: a pure function of its arguments. */
export function demoPicture(seed: number, combination: Combination, index: number): DemoPicture {
  const name = combinationName(combination);
  const random = seededRandom(seed, "picture", name, index);
  const scene = drawScene(combination, random);
  const side = random.pick([96, 112, 128, 128, 160, 160, 192, 192, 224, 256, 320]);
  const stretch = random.chance(0.7) ? 1 : random.between(1.04, 1.18);
  const other = Math.min(320, Math.round(side * stretch));
  const [width, height] = random.chance(0.5) ? [side, other] : [other, side];
  const format = drawFormat(random);
  const captions = Array.from({ length: 6 }, () => pictureCaption(scene, random));
  return {
    name,
    index,
    scene,
    width,
    height,
    format,
    caption: captions[0] as string,
    captions,
    get svg() {
      return drawSvg(scene, width, height, seededRandom(seed, "drawing", name, index));
    },
  };
}

function drawScene({ colour, shape }: Combination, random: SeededRandom): DemoScene {
  const draw = random.next();
  const count = draw < 0.9 ? 1 : draw < 0.97 ? 2 : 3;
  return {
    colour,
    shape,
    count,
    size: count === 3 ? null : random.chance(0.5) ? "small" : "large",
    background: random.pick(demoBackgroundNames),
    position: count === 1 ? random.pick(demoPositions) : null,
  };
}

function drawFormat(random: SeededRandom): DemoFormat {
  const draw = random.next();
  if (draw < 0.62) return "jpg";
  if (draw < 0.8) return "png";
  if (draw < 0.92) return "webp";
  return draw < 0.96 ? "gif" : "avif";
}

function drawSvg(scene: DemoScene, width: number, height: number, random: SeededRandom): string {
  const side = Math.min(width, height);
  const [hue, saturation, lightness] = demoColours[scene.colour];
  const fill = `hsl(${(hue + random.between(-5, 5) + 360) % 360},${saturation}%,${(lightness + random.between(-4, 4)).toFixed(1)}%)`;
  const shapes = spots(scene, random).map(([x, y, share]) => {
    const turn = random.between(-12, 12).toFixed(1);
    const scale = ((share * side) / 2).toFixed(2);
    return `<path transform="translate(${(x * width).toFixed(1)} ${(y * height).toFixed(1)}) rotate(${turn}) scale(${scale})" d="${shapePath[scene.shape]}"/>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    backgroundSvg(scene.background, width, height, random) +
    // Cut-outs with a dark rim, as stickers and clip art have: what is drawn is told by its rim, whatever its colour.
    `<g fill="${fill}" fill-rule="evenodd" stroke="#1b1d22" stroke-width=".14" stroke-linejoin="round">${shapes.join("")}</g></svg>`
  );
}

/** Centre (shares of width and height) and size (share of the shorter side) of each shape; none is cut off or overlaps. */
function spots(scene: DemoScene, random: SeededRandom): [number, number, number][] {
  const jitter = (centre: number, by: number) => centre + random.between(-by, by);
  if (scene.count === 1) {
    const share = scene.size === "small" ? random.between(0.52, 0.6) : random.between(0.72, 0.84);
    const [x, y] = singleSpot(scene.position ?? "centre", share / 2 + 0.03, random);
    return [[x, y, share]];
  }
  if (scene.count === 2) {
    const share = () => (scene.size === "small" ? random.between(0.4, 0.43) : random.between(0.46, 0.48));
    const [near, far] = [0.26, 0.74];
    const across = random.pick(["row", "column", "falling", "rising"] as const);
    const place = { row: [0.5, 0.5], column: [near, far], falling: [near, far], rising: [far, near] }[across];
    const along = across === "column" ? [0.5, 0.5] : [near, far];
    const loose = (axis: number) => (axis === 0.5 ? 0.2 : 0.02);
    return [0, 1].map((i) => {
      const [x, y] = [along[i] as number, place[i] as number];
      return [jitter(x, loose(x)), jitter(y, loose(y)), share()];
    });
  }
  const corners = random.shuffled([
    [0.25, 0.25],
    [0.75, 0.25],
    [0.25, 0.75],
    [0.75, 0.75],
  ] as const);
  return corners.slice(0, 3).map(([x, y]) => [jitter(x, 0.03), jitter(y, 0.03), random.between(0.42, 0.46)]);
}

/** A spot in the named part of the picture, at least `margin` from every edge. */
function singleSpot(position: DemoPosition, margin: number, random: SeededRandom): [number, number] {
  const slack = 0.5 - margin;
  const axis = (low: string, high: string) => {
    const sway = random.between(0.7, 1) * slack;
    if (position.includes(low)) return 0.5 - sway;
    if (position.includes(high)) return 0.5 + sway;
    return 0.5 + random.between(-0.3, 0.3) * slack;
  };
  return [axis("left", "right"), axis("top", "bottom")];
}
