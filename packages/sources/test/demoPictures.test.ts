import { createHash } from "node:crypto";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { demoPicture } from "../src/demoWeb/pictures/demoPicture.js";
import { combinationPattern, heldOutCombinations, holdOutRules } from "../src/demoWeb/pictures/heldOut.js";
import { renderDemoPicture, renderDemoPixels } from "../src/demoWeb/pictures/renderDemoPicture.js";
import {
  allCombinations,
  combinationName,
  demoBackgroundNames,
  demoClasses,
  demoColourNames,
  demoShapeNames,
  demoShapes,
} from "../src/demoWeb/pictures/vocabulary.js";

describe("held-out combinations", () => {
  it.each(Array.from({ length: 40 }, (_, seed) => seed))(
    "seed %i: six, one for each shape, each of another colour",
    (seed) => {
      const heldOut = heldOutCombinations(seed);
      expect(new Set(heldOut.map(combinationName)).size).toBe(6);
      for (const colour of demoColourNames)
        expect(heldOut.filter((combination) => combination.colour === colour).length).toBeLessThanOrEqual(1);
      for (const shape of demoShapeNames)
        expect(heldOut.filter((combination) => combination.shape === shape).length).toBe(1);
    },
  );

  it("differ between seeds", () => {
    const lists = [1, 2, 3].map((seed) => heldOutCombinations(seed).map(combinationName).sort().join());
    expect(new Set(lists).size).toBe(3);
  });

  it("have a rule each, which finds singular, plural and any case", () => {
    const [combination] = heldOutCombinations(1);
    const [rule] = holdOutRules(1);
    if (combination === undefined || rule === undefined) throw new Error("no rule");
    const { colour, shape } = combination;
    const pattern = new RegExp(rule.pattern, "i");
    expect(pattern.test(`A small ${colour} ${shape} on sand`)).toBe(true);
    expect(pattern.test(`Two ${colour.toUpperCase()} ${demoShapes[shape]}`)).toBe(true);
    expect(pattern.test(`${colour} and a ${shape}`)).toBe(false);
    expect(pattern.test(`${colour} ${shape}ish`)).toBe(false);
  });
});

describe("captions", () => {
  it("name their own combination, once and no other", () => {
    const any = new RegExp(allCombinations.map(combinationPattern).join("|"), "gi");
    for (const combination of allCombinations)
      for (let index = 0; index < 10; index++)
        for (const caption of demoPicture(7, combination, index).captions) {
          expect(caption.match(any), caption).toHaveLength(1);
          expect(caption).toMatch(new RegExp(combinationPattern(combination), "i"));
        }
  });

  it("name no other colour or shape at all", () => {
    const words = new Set<string>([...demoColourNames, ...demoShapeNames, ...Object.values(demoShapes)]);
    for (const combination of allCombinations)
      for (const caption of demoPicture(7, combination, 3).captions)
        expect(
          caption
            .toLowerCase()
            .split(/[^a-z]+/)
            .filter((word) => words.has(word)),
          caption,
        ).toHaveLength(2);
    for (const ground of demoBackgroundNames) expect(words.has(ground)).toBe(false);
  });

  it("vary: at least 500 different ones among 1,280 pictures", () => {
    const captions = allCombinations.flatMap((combination) =>
      Array.from({ length: 20 }, (_, index) => demoPicture(1, combination, index).caption),
    );
    expect(new Set(captions).size).toBeGreaterThan(500);
  });

  it("are in the plural exactly where several shapes are shown", () => {
    for (const combination of allCombinations)
      for (let index = 0; index < 10; index++) {
        const { caption, scene } = demoPicture(3, combination, index);
        expect(caption.includes(demoShapes[scene.shape]), caption).toBe(scene.count > 1);
      }
  });
});

describe("pictures", () => {
  it("are 54 classes of colour and shape", () => {
    expect(new Set(demoClasses()).size).toBe(54);
    expect(demoClasses()).toContain("red star");
  });

  it("are the same bytes for the same seed, and others for another", async () => {
    const hash = async (seed: number, index: number) => {
      const picture = demoPicture(seed, { colour: "red", shape: "star" }, index);
      return createHash("sha256")
        .update(await renderDemoPicture(picture))
        .digest("hex");
    };
    expect(await hash(1, 5)).toBe(await hash(1, 5));
    expect(new Set([await hash(1, 5), await hash(2, 5), await hash(1, 6)]).size).toBe(3);
  });

  it.each(["jpg", "png", "webp", "gif", "avif"] as const)(
    "can be had as %s in their own size",
    async (format) => {
      const picture = demoPicture(1, { colour: "blue", shape: "ring" }, 0);
      const {
        width,
        height,
        format: found,
      } = await sharp(await renderDemoPicture(picture, { format })).metadata();
      expect([width, height]).toEqual([picture.width, picture.height]);
      expect(found).toBe({ jpg: "jpeg", png: "png", webp: "webp", gif: "gif", avif: "heif" }[format]);
    },
  );

  it("have sides of 96 to 320 pixels and are nearly square", () => {
    for (const combination of allCombinations)
      for (let index = 0; index < 20; index++) {
        const { width, height } = demoPicture(1, combination, index);
        expect(Math.min(width, height)).toBeGreaterThanOrEqual(96);
        expect(Math.max(width, height)).toBeLessThanOrEqual(320);
        expect(Math.max(width, height) / Math.min(width, height)).toBeLessThan(1.2);
      }
  });

  it("show their colour: at 32 × 32 each colour's hue is one across all shapes", async () => {
    const tones = new Map<string, number[]>();
    for (const { colour, shape } of allCombinations) {
      const picture = demoPicture(1, { colour, shape }, 2);
      const pixels = await renderDemoPixels(picture, 32);
      expect(pixels.length).toBe(32 * 32 * 3);
      const [r, g, b] = extremeTone(pixels);
      tones.set(colour, [...(tones.get(colour) ?? []), hueOf(r, g, b)]);
    }
    const spread = (colour: string) => {
      const hues = tones.get(colour) ?? [];
      return Math.max(...hues) - Math.min(...hues);
    };
    for (const colour of ["orange", "yellow", "lime", "green", "cyan", "blue", "purple"])
      expect(spread(colour), colour).toBeLessThan(25);
  });
});

/** The most saturated pixel: inside a shape, as grounds are dull. */
function extremeTone(pixels: Buffer): [number, number, number] {
  let best: [number, number, number] = [0, 0, 0];
  for (let at = 0; at < pixels.length; at += 3) {
    const tone = [pixels[at], pixels[at + 1], pixels[at + 2]] as [number, number, number];
    if (Math.max(...tone) - Math.min(...tone) > Math.max(...best) - Math.min(...best)) best = tone;
  }
  return best;
}

function hueOf(r: number, g: number, b: number): number {
  const [max, min] = [Math.max(r, g, b), Math.min(r, g, b)];
  const span = max - min || 1;
  if (max === r) return (((g - b) / span + 6) % 6) * 60;
  return max === g ? ((b - r) / span + 2) * 60 : ((r - g) / span + 4) * 60;
}
