import type { SeededRandom } from "../seededRandom.js";
import { type DemoBackground, type DemoColour, type DemoShape, demoShapes } from "./vocabulary.js";

/** Where a single shape stands. */
export const demoPositions = [
  "centre",
  "left",
  "right",
  "top",
  "bottom",
  "top left",
  "top right",
  "bottom left",
  "bottom right",
] as const;
export type DemoPosition = (typeof demoPositions)[number];

/** What a picture shows, as far as words tell it. */
export interface DemoScene {
  colour: DemoColour;
  shape: DemoShape;
  count: 1 | 2 | 3;
  /** null where the count leaves no room for a difference. */
  size: "small" | "large" | null;
  background: DemoBackground;
  /** null for several shapes, which fill the picture. */
  position: DemoPosition | null;
}

/**
 * One caption of a scene. The colour stands directly before the shape ("two small red stars on sand"), so a plain
 * rule finds a combination; nothing but the scene's own colour and shape is ever named; the two are always named.
 */
export function pictureCaption(scene: DemoScene, random: SeededRandom): string {
  const thing = random.chance(0.6) ? sized(scene, random) : plain(scene, random);
  const ground = `on ${scene.background}`;
  const place = scene.position === null ? null : placed(scene.position);
  const sentence = random.pick(templates)(thing, ground, place);
  return random.chance(0.5) ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

type Template = (thing: string, ground: string, place: string | null) => string;

const templates: readonly Template[] = [
  (thing) => thing,
  (thing, ground) => `${thing} ${ground}`,
  (thing, ground) => `photo of ${thing} ${ground}`,
  (thing, ground) => `a picture of ${thing} ${ground}`,
  (thing, _, place) => (place === null ? thing : `${thing}, ${place}`),
  (thing, ground, place) => (place === null ? `${thing} ${ground}` : `${thing} ${ground}, ${place}`),
  (thing, ground, place) => `we see ${thing}${place === null ? "" : ` ${place}`}, ${ground}`,
  (thing, ground) => `drawing: ${thing} ${ground}`,
  (thing, ground) => `${ground}: ${thing}`,
  (thing) => `study with ${thing}`,
];

function plain({ colour, shape, count }: DemoScene, random: SeededRandom): string {
  if (count > 1) return `${numeral(count)} ${colour} ${demoShapes[shape]}`;
  return `${random.pick(["a ", "a ", "one ", "the ", ""])}${colour} ${shape}`;
}

function sized(scene: DemoScene, random: SeededRandom): string {
  const { colour, shape, count, size } = scene;
  if (size === null) return plain(scene, random);
  const word =
    size === "small" ? random.pick(["small", "small", "little"]) : random.pick(["large", "large", "big"]);
  if (count > 1) return `${numeral(count)} ${word} ${colour} ${demoShapes[shape]}`;
  return `${random.pick(["a ", "a ", "one ", ""])}${word} ${colour} ${shape}`;
}

function placed(position: DemoPosition): string {
  if (position === "centre") return "in the centre";
  if (position.includes(" ")) return `in the ${position} corner`;
  return position === "left" || position === "right" ? `on the ${position}` : `at the ${position}`;
}

function numeral(count: 1 | 2 | 3): string {
  return ["one", "two", "three"][count - 1] as string;
}
