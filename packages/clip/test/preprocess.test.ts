import { readFileSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  centerResize,
  clipDeviation,
  clipMean,
  decodeImage,
  preprocessCrop,
  preprocessImage,
  RandomNumbers,
  readSafetensors,
  resizeImage,
  trainingCrop,
} from "../src/index.js";

const folder = new URL("fixtures/preprocess/", import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith(".png"))
  .map((file) => file.slice(0, -4));

describe("open_clip's transform on Pillow", () => {
  test.each(names)("%s comes out equal", async (name) => {
    const reference = readSafetensors(readFileSync(new URL(`${name}.safetensors`, folder)));
    const image = await decodeImage(readFileSync(new URL(`${name}.png`, folder)));
    const resized = centerResize(image, 224, 224, image.resample);
    const bytes = reference.get("resized")!.data as Uint8Array;
    const step = resized.channels;
    let differing = 0;
    for (let pixel = 0; pixel < 224 * 224; pixel++) {
      for (let channel = 0; channel < 3; channel++) {
        const ours = resized.data[pixel * step + (step < 3 ? 0 : channel)];
        if (ours !== bytes[pixel * 3 + channel]) differing++;
      }
    }
    expect(differing).toBe(0);

    const output = preprocessImage(image, { size: 224, resample: image.resample });
    const top = reference.get("output_top")!.data as Float32Array;
    let worst = 0;
    for (let place = 0; place < 8 * 224; place++) {
      for (let channel = 0; channel < 3; channel++) {
        const difference = output[place * 3 + channel]! - top[channel * 8 * 224 + place]!;
        worst = Math.max(worst, Math.abs(difference));
      }
    }
    expect(worst).toBeLessThan(1e-6);

    // the rows below follow from the bytes above by the same arithmetic
    const whole = bytes.every((byte, place) => {
      const expected = (byte / 255 - clipMean[place % 3]!) / clipDeviation[place % 3]!;
      return Math.abs(output[place]! - expected) < 1e-6;
    });
    expect(whole).toBe(true);
  });
});

describe("resizing", () => {
  const image = (width: number, height: number, channels: 1 | 3 | 4) => ({
    data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 2654435761) >>> 24),
    width,
    height,
    channels,
  });

  test("a window of a resized image is that part of the whole", () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(
        size,
        size,
        size,
        size,
        fc.constantFrom(1 as const, 3 as const, 4 as const),
        (w, h, W, H, c) => {
          const source = image(w, h, c);
          const whole = resizeImage(source, W, H);
          const window = { left: W >> 1, top: H >> 2, width: W - (W >> 1), height: H - (H >> 2) };
          const part = resizeImage(source, W, H, { window });
          for (let row = 0; row < part.height; row++) {
            const from = ((window.top + row) * W + window.left) * c;
            const line = whole.data.subarray(from, from + part.width * c);
            const ours = part.data.subarray(row * part.width * c, (row + 1) * part.width * c);
            expect(Buffer.from(ours).equals(Buffer.from(line))).toBe(true);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  test("one colour stays that colour at any size", () => {
    const flat = { data: new Uint8Array(7 * 5 * 3).fill(201), width: 7, height: 5, channels: 3 as const };
    for (const [width, height] of [
      [1, 1],
      [3, 40],
      [224, 224],
    ] as const) {
      expect(new Set(resizeImage(flat, width, height).data)).toEqual(new Set([201]));
    }
  });
});

describe("training crops", () => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 999 }),
    height: fc.integer({ min: 1, max: 999 }),
  });

  test("lie inside the image, are the same for the same stream, and squares are squares", () => {
    const kinds = fc.constantFrom("square" as const, "resized" as const, "center" as const);
    fc.assert(
      fc.property(sizes, kinds, fc.nat(), (size, kind, seed) => {
        const box = trainingCrop(size, { kind }, new RandomNumbers(seed, "crop"));
        expect(trainingCrop(size, { kind }, new RandomNumbers(seed, "crop"))).toEqual(box);
        expect(box.left >= 0 && box.top >= 0 && box.width >= 1 && box.height >= 1).toBe(true);
        expect(box.left + box.width <= size.width && box.top + box.height <= size.height).toBe(true);
        if (kind !== "resized") expect(box.width).toBe(box.height);
      }),
    );
  });

  test("of RandomResizedCrop have nine tenths of the area or more, and shapes within the ratio", () => {
    const random = new RandomNumbers(3, "crop");
    for (let i = 0; i < 200; i++) {
      const box = trainingCrop({ width: 400, height: 380 }, { kind: "resized" }, random);
      expect((box.width * box.height) / (400 * 380)).toBeGreaterThan(0.89);
      expect(box.width / box.height).toBeLessThan(1.34);
    }
  });

  test("a crop fills its place in a batch and no other", () => {
    const source = { data: new Uint8Array(48).fill(255), width: 4, height: 4, channels: 3 as const };
    const batch = new Float32Array(3 * 12);
    preprocessCrop(source, { left: 1, top: 1, width: 2, height: 2 }, { size: 2 }, batch, 12);
    expect(batch.subarray(0, 12).every((value) => value === 0)).toBe(true);
    expect(batch[12]).toBeCloseTo((1 - 0.48145466) / 0.26862954, 5);
    expect(batch.subarray(24).every((value) => value === 0)).toBe(true);
  });
});
