import { UserError } from "@pairloom/config";
import { expect, test } from "vitest";
import { type FeatureTable, normalizeRows } from "../src/featureTable.js";
import { labelRules } from "../src/labelRules.js";
import { classPrompts, englishPlural, zeroShot } from "../src/zeroShot.js";

const table = (rows: number[][]): FeatureTable =>
  normalizeRows({ rows: rows.length, width: rows[0]!.length, data: Float32Array.from(rows.flat()) });

test("each picture gets the nearest class, and the confusion table counts truth against answer", () => {
  const classes = table([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
  const pictures = table([
    [5, 1, 0],
    [0, 5, 1],
    [4, 5, 0],
    [0, 1, 9],
  ]);
  const result = zeroShot(pictures, classes, [0, 1, 0, 2]);
  expect([...result.answers]).toEqual([0, 1, 1, 2]);
  expect(result.top1).toBe(0.75);
  expect(result.top5).toBe(1);
  expect(result.meanPerClass).toBeCloseTo((0.5 + 1 + 1) / 3, 12);
  expect(result.confusion).toEqual([
    [1, 1, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

test("classes that don't occur don't count in the mean per class", () => {
  const classes = table([
    [1, 0],
    [0, 1],
  ]);
  expect(zeroShot(table([[1, 0]]), classes, [0]).meanPerClass).toBe(1);
});

test("templates take the name and its plural", () => {
  expect(classPrompts("red cross", ["a {}", "two {s} on sand"])).toEqual([
    "a red cross",
    "two red crosses on sand",
  ]);
  expect(["star", "box", "berry", "day"].map(englishPlural)).toEqual(["stars", "boxes", "berries", "days"]);
});

test("a sample belongs to the one rule that any of its texts matches", () => {
  const label = labelRules([
    { name: "star", pattern: "\\bstars?\\b" },
    { name: "ring", pattern: "\\brings?\\b" },
  ]);
  expect(label(["IMG_1.jpg", "Two red STARS"])).toBe(0);
  expect(label(["a spring day"])).toBeNull();
  expect(label(["a star", "a ring"])).toBeNull();
});

test("a rule that is no regular expression is refused by its name", () => {
  expect(() => labelRules([{ name: "broken", pattern: "(" }])).toThrow(UserError);
  expect(() => labelRules([{ name: "broken", pattern: "(" }])).toThrow(/"broken"/);
});
