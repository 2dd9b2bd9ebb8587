import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { resizeGrid, resizeRow } from "../src/checkpoints/resizePositions.js";
import {
  decodeImage,
  parseModelConfig,
  preprocessImage,
  preprocessingOf,
  readSafetensors,
} from "../src/index.js";

const folder = new URL("fixtures/inputs/", import.meta.url);
const pngs = (name: string) =>
  new URL(name.startsWith("tall") ? `${name}.png` : `../preprocess/${name}.png`, folder);
const variants = JSON.parse(readFileSync(new URL("variants.json", folder), "utf8")) as Record<
  string,
  { size: number | [number, number] }
>;
const made = readSafetensors(readFileSync(new URL("variants.safetensors", folder)));

describe("a model's own preprocessing is open_clip's, pixel for pixel", () => {
  test.each([...made.keys()])("%s", async (key) => {
    const [variant, picture] = key.split("/") as [string, string];
    const { size, ...said } = variants[variant]!;
    const config = parseModelConfig({
      embed_dim: 8,
      vision_cfg: { image_size: size, patch_size: 4 },
      text_cfg: {},
      preprocess_cfg: { ...said, size, mean: 0, std: 1 },
    });
    const image = await decodeImage(readFileSync(pngs(picture)));
    const values = preprocessImage(image, { ...preprocessingOf(config), resample: image.resample });
    const { shape, data } = made.get(key)!;
    expect(values).toHaveLength(shape.reduce((a, b) => a * b, 1));
    expect(Uint8Array.from(values, (value) => Math.round(value * 255))).toEqual(data);
  });
});

test("mean and deviation are the model's, a channel each", () => {
  const pixel = { data: Uint8Array.of(255, 0, 51), width: 1, height: 1, channels: 3 } as const;
  const values = preprocessImage(pixel, { size: 1, mean: [0.5, 0.25, 0.1], deviation: [0.5, 0.5, 0.2] });
  expect([...values].map((value) => Number(value.toFixed(5)))).toEqual([1, -0.5, 0.5]);
});

describe("positions are resized as open_clip resizes them", () => {
  const tables = readSafetensors(readFileSync(new URL("positions.safetensors", folder)));
  const values = (key: string) => tables.get(key)!.data as Float32Array;
  const worst = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

  test.each([
    [7, 7],
    [2, 2],
    [3, 6],
  ])("an image tower's to %d × %d", (rows, columns) => {
    const resized = resizeGrid(values("image").subarray(6), [4, 4], [rows, columns], 6);
    const expected = values(`image/${rows}x${columns}`).subarray(6);
    expect(resized).toHaveLength(expected.length);
    expect(worst(resized, expected)).toBeLessThan(1e-6);
  });

  test.each([13, 3])("a text tower's to %d", (length) => {
    const resized = resizeRow(values("text"), 8, length, 6);
    expect(resized).toHaveLength(length * 6);
    expect(worst(resized, values(`text/${length}`))).toBeLessThan(1e-6);
  });
});
