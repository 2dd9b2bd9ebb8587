/** The words of the demo's pictures and what they look like. No background's word is a colour's or a shape's. */

/** Nine colours, far apart in hue or lightness, as [hue °, saturation %, lightness %]. */
export const demoColours = {
  red: [358, 84, 45],
  orange: [25, 95, 53],
  yellow: [53, 96, 52],
  lime: [88, 76, 48],
  green: [140, 65, 30],
  cyan: [184, 92, 47],
  blue: [224, 85, 46],
  purple: [277, 70, 38],
  pink: [330, 92, 72],
} as const satisfies Record<string, readonly [number, number, number]>;
export type DemoColour = keyof typeof demoColours;
export const demoColourNames = Object.keys(demoColours) as DemoColour[];

/** Six shapes with their plurals. */
export const demoShapes = {
  circle: "circles",
  square: "squares",
  triangle: "triangles",
  star: "stars",
  cross: "crosses",
  ring: "rings",
} as const;
export type DemoShape = keyof typeof demoShapes;
export const demoShapeNames = Object.keys(demoShapes) as DemoShape[];

/** Dull grounds of middle and light tones, on which every one of the colours stands out: mean RGB. */
export const demoBackgrounds = {
  paper: [236, 233, 225],
  sand: [220, 204, 170],
  linen: [224, 215, 202],
  stone: [166, 164, 158],
  slate: [122, 130, 138],
  concrete: [186, 187, 184],
  cork: [188, 158, 122],
  mint: [202, 220, 209],
  fog: [207, 213, 220],
  canvas: [208, 202, 184],
} as const satisfies Record<string, readonly [number, number, number]>;
export type DemoBackground = keyof typeof demoBackgrounds;
export const demoBackgroundNames = Object.keys(demoBackgrounds) as DemoBackground[];

/** One of the 54 classes: a colour with a shape. */
export interface Combination {
  colour: DemoColour;
  shape: DemoShape;
}

/** All 54, colour by colour. */
export const allCombinations: readonly Combination[] = demoColourNames.flatMap((colour) =>
  demoShapeNames.map((shape) => ({ colour, shape })),
);

/** "red star": the class's name, also its key. */
export function combinationName({ colour, shape }: Combination): string {
  return `${colour} ${shape}`;
}

/** The 54 class names, "red circle" … "pink ring": what zero-shot classification chooses from. */
export function demoClasses(): string[] {
  return allCombinations.map(combinationName);
}
