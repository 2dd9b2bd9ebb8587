import { expect, test } from "vitest";
import { type FeatureTable, normalizeRows } from "../src/featureTable.js";
import { retrieval } from "../src/retrieval.js";

const table = (rows: number[][]): FeatureTable =>
  normalizeRows({ rows: rows.length, width: rows[0]!.length, data: Float32Array.from(rows.flat()) });

test("planted neighbours give the recalls that they must", () => {
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
  const result = retrieval(pictures, texts, ["a", "b", "c"], [1, 2, 3]);
  const recall = result.textToImage;
  expect([recall[1], recall[2], recall[3]]).toEqual([1 / 3, 2 / 3, 1]);
  expect(result.repeatedCaptions).toBe(0);
});

test("both ways are counted: each picture among texts, each text among pictures", () => {
  const pictures = table([
    [1, 0],
    [1, 0.1],
  ]);
  const texts = table([
    [1, 0.11],
    [1, 0.09],
  ]);
  // the first text is nearest to the second picture; the second text too
  const result = retrieval(pictures, texts, ["a", "b"], [1]);
  expect(result.textToImage[1]).toBe(0.5);
  expect(result.imageToText[1]).toBe(0);
});

test("a picture of an equal caption is right, and the strict numbers tell the difference", () => {
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
  const result = retrieval(pictures, texts, ["A star", "a star ", "a ring"], [1]);
  expect(result.repeatedCaptions).toBe(2);
  expect(result.textToImage[1]).toBe(1);
  expect(result.imageToText[1]).toBe(1);
  expect(result.strict.textToImage[1]).toBeCloseTo(1 / 3, 12);
});

test("a model that gives everything the same feature earns nothing by its ties", () => {
  const same = table([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  const result = retrieval(same, same, ["a", "b", "c"], [1, 2]);
  expect(result.textToImage).toEqual({ 1: 0, 2: 0 });
});
