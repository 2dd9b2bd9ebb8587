import { clipDeviation, clipMean } from "@pairloom/clip";
import sharp from "sharp";
import { expect, test } from "vitest";
import { centreCrop, cropPicture } from "../src/data/cropPicture.js";
import { decodePicture } from "../src/data/decodedPicture.js";

const ramp = { width: 4, height: 3, data: Uint8Array.from({ length: 36 }, (_, i) => i * 7) };

test.each([
  ["CLIP's", clipMean, clipDeviation],
  ["another model's", [0.5, 0.4, 0.3], [0.5, 0.25, 1]],
])("a crop holds the chosen pixels, normalised by %s mean and deviation", (_, mean, deviation) => {
  const target = new Float32Array(14).fill(9);
  cropPicture(ramp, 2, { ...centreCrop, x: 1, y: 0 }, { mean, deviation }, target, 1);
  const pixel = (row: number, column: number) =>
    [0, 1, 2].map((c) => (ramp.data[(row * 4 + column) * 3 + c]! / 255 - mean[c]!) / deviation[c]!);
  const expected = [...pixel(0, 2), ...pixel(0, 3), ...pixel(1, 2), ...pixel(1, 3)];
  expect(target[0]).toBe(9);
  expect(target[13]).toBe(9);
  expected.forEach((value, i) => expect(target[i + 1]).toBeCloseTo(value, 5));
});

test.each([
  [
    "grey",
    sharp({ create: { width: 30, height: 20, channels: 3, background: "#888" } })
      .greyscale()
      .png(),
  ],
  ["transparent", sharp({ create: { width: 30, height: 20, channels: 4, background: "#f008" } }).png()],
  [
    "cmyk",
    sharp({ create: { width: 30, height: 20, channels: 3, background: "#888" } })
      .toColourspace("cmyk")
      .jpeg(),
  ],
])("a %s picture becomes RGB with its shorter side resized", async (_, image) => {
  const picture = await decodePicture(await image.toBuffer(), 10);
  expect(picture).toMatchObject({ width: 15, height: 10 });
  expect(picture.data.length).toBe(450);
});

test("what is no picture is refused", async () => {
  await expect(decodePicture(Buffer.from("no picture"), 10)).rejects.toThrow();
});
