import { expect, test } from "vitest";
import { type FeatureTable, normalizeRows } from "../src/featureTable.js";
import { retrieval } from "../src/retrieval.js";

const table = (rows: number[][]): FeatureTable =>
  normalizeRows({ rows: rows.length, width: rows[0]!.length, data: Float32Array.from(rows.flat()) });

test("planted neighbours give the recalls that they must", async () => {
  // text 0 finds its picture first, text 1 second, text 2 third
  const pictures = table([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  const texts = table([
    [3, 2, 1],
    [3, 2, 1],
    [3, 2, 1],
  ]);
  const result = await retrieval(pictures, texts, ["a", "b", "c"], [1, 2, 3]);
  const recall = result.textToImage;
  expect([recall[1], recall[2], recall[3]]).toEqual([1 / 3, 2 / 3, 1]);
  expect(result.repeatedCaptions).toBe(0);
});

test("both ways are counted: each picture among texts, each text among pictures", async () => {
  const pictures = table([
    [1, 0],
    [1, 0.1],
  ]);
  const texts = table([
    [1, 0.11],
    [1, 0.09],
  ]);
  // the first text is nearest to the second picture; the second text too
  const result = await retrieval(pictures, texts, ["a", "b"], [1]);
  expect(result.textToImage[1]).toBe(0.5);
  expect(result.imageToText[1]).toBe(0);
});

test("a picture of an equal caption is right, and the strict numbers tell the difference", async () => {
  const pictures = table([
    [1, 0],
    [1, 0.2],
    [0, 1],
  ]);
  const texts = table([
    [1, 0.2],
    [1, 0],
    [0, 1],
  ]);
  const result = await retrieval(pictures, texts, ["A star", "a star ", "a ring"], [1]);
  expect(result.repeatedCaptions).toBe(2);
  expect(result.textToImage[1]).toBe(1);
  expect(result.imageToText[1]).toBe(1);
  expect(result.strict.textToImage[1]).toBeCloseTo(1 / 3, 12);
});

test("a model that gives everything the same feature earns nothing by its ties", async () => {
  const same = table([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  const result = await retrieval(same, same, ["a", "b", "c"], [1, 2]);
  expect(result.textToImage).toEqual({ 1: 0, 2: 0 });
});

test("several texts to a picture: any of its own is right, as CLIP_benchmark counts", async () => {
  const pictures = table([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  // of picture 0's texts one is near to it and one to the other; picture 1's only text is near to picture 0
  const texts = table([
    [9, 1, 0],
    [1, 9, 0],
    [8, 0.5, 4],
  ]);
  const result = await retrieval(pictures, texts, ["a", "b", "c"], [1, 2], [0, 0, 1]);
  expect([result.pictures, result.texts]).toEqual([2, 3]);
  expect(result.strict.textToImage[1]).toBeCloseTo(1 / 3, 12);
  expect(result.strict.textToImage[2]).toBe(1);
  expect(result.strict.imageToText[1]).toBe(0.5);
  expect(result.strict.imageToText[2]).toBe(0.5);
});

test("a text that two pictures share is right for both in the loose count alone", async () => {
  const pictures = table([
    [1, 0],
    [0.9, 0.1],
  ]);
  const texts = table([
    [1, 0],
    [0, 1],
    [1, 0.01],
  ]);
  const result = await retrieval(pictures, texts, ["A dog", "x", "a dog"], [1], [0, 1, 1]);
  expect(result.repeatedCaptions).toBe(2);
  expect(result.strict.textToImage[1]).toBeCloseTo(1 / 3 + 1 / 3, 12);
  expect(result.textToImage[1]).toBe(1);
  expect(result.imageToText[1]).toBe(1);
});

test("features that are no numbers find nothing", async () => {
  const broken = { rows: 3, width: 2, data: new Float32Array(6).fill(NaN) };
  const result = await retrieval(broken, broken, ["a", "b", "c"], [1, 5]);
  expect(result.textToImage).toEqual({ 1: 0, 5: 0 });
  expect(result.strict.imageToText).toEqual({ 1: 0, 5: 0 });
});

test("counts alike in one block and in many", async () => {
  const rows = (seed: number, count: number) =>
    table(
      Array.from({ length: count }, (_, i) => [0, 1, 2, 3].map((j) => Math.sin(seed + 17 * i * (j + 1)))),
    );
  const [pictures, texts] = [rows(1, 2100), rows(2, 2100)];
  const result = await retrieval(
    pictures,
    texts,
    Array.from({ length: 2100 }, (_, i) => `${i}`),
    [10],
  );
  let hits = 0;
  for (let t = 0; t < 2100; t++) {
    const score = (p: number) =>
      [0, 1, 2, 3].reduce((sum, j) => sum + texts.data[t * 4 + j]! * pictures.data[p * 4 + j]!, 0);
    const own = score(t);
    let before = 0;
    for (let p = 0; p < 2100; p++) if (p !== t && score(p) >= own) before++;
    if (before < 10) hits++;
  }
  expect(Math.abs(result.textToImage[10]! - hits / 2100)).toBeLessThan(2 / 2100);
});
