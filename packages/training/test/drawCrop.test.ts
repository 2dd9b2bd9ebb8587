import { clipDeviation, clipMean, RandomNumbers, resizeImage, trainingCrop, cropImage } from "@pairloom/clip";
import { expect, test } from "vitest";
import { type CropSettings, decodedSide, drawCrop } from "../src/data/drawCrop.js";

const resized: CropSettings = { crop: "resized", cropMargin: 0, cropMinArea: 0.9, brightness: 0 };
const normalization = { mean: clipMean, deviation: clipDeviation };
const picture = {
  width: 40,
  height: 30,
  data: Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 2654435761) >>> 24),
};

test("`resized` is the part that RandomResizedCrop draws, resized as Pillow does", () => {
  const target = new Float32Array(12 * 12 * 3 + 1).fill(9);
  drawCrop(picture, 12, { ...resized, ...normalization }, new RandomNumbers(4, "row"), target, 1);
  const box = trainingCrop(picture, { kind: "resized" }, new RandomNumbers(4, "row"));
  const { data } = resizeImage(cropImage({ ...picture, channels: 3 }, box), 12, 12);
  expect(target[0]).toBe(9);
  data.forEach((byte, i) => {
    const c = i % 3;
    expect(target[i + 1]).toBeCloseTo((byte / 255 - clipMean[c]!) / clipDeviation[c]!, 5);
  });
});

test("no part that `resized` can draw out of a square picture is enlarged", () => {
  const side = decodedSide(resized, 64);
  for (let seed = 0; seed < 500; seed++) {
    const box = trainingCrop(
      { width: side, height: side },
      { kind: "resized" },
      new RandomNumbers(seed, "row"),
    );
    expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(64);
  }
  expect(side).toBeLessThan(80);
});

test("`square` needs the model's side and the margin, no more", () => {
  expect(decodedSide({ ...resized, crop: "square", cropMargin: 4 }, 64)).toBe(68);
});
