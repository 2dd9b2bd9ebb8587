import { UserError } from "@pairloom/config";
import { expect, test } from "vitest";
import { type FeatureTable, normalizeRows } from "../src/featureTable.js";
import { labelRules } from "../src/labelRules.js";
import { confusionTable } from "../src/classify.js";
import { checkTemplates, classPrompts, englishPlural } from "../src/templates/classPrompts.js";
import { openai7, openai80 } from "../src/templates/openaiTemplates.js";
import { readTemplates } from "../src/templates/readTemplates.js";
import { zeroShot } from "../src/zeroShot.js";

const table = (rows: number[][]): FeatureTable =>
  normalizeRows({ rows: rows.length, width: rows[0]!.length, data: Float32Array.from(rows.flat()) });

test("each picture gets the nearest class, and the confusion table counts truth against answer", async () => {
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
  const result = await zeroShot(pictures, classes, [0, 1, 0, 2]);
  expect([...result.answers]).toEqual([0, 1, 1, 2]);
  expect(result.top1).toBe(0.75);
  expect(result.top5).toBe(1);
  expect(result.meanPerClass).toBeCloseTo((0.5 + 1 + 1) / 3, 12);
  expect(confusionTable([0, 1, 0, 2], result.answers, 3)).toEqual([
    [1, 1, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

test("classes that don't occur don't count in the mean per class", async () => {
  const classes = table([
    [1, 0],
    [0, 1],
  ]);
  expect((await zeroShot(table([[1, 0]]), classes, [0])).meanPerClass).toBe(1);
});

test("templates take the name and its plural", () => {
  expect(classPrompts("red cross", ["a {}", "two {s} on sand"])).toEqual([
    "a red cross",
    "two red crosses on sand",
  ]);
  expect(["star", "box", "berry", "day"].map(englishPlural)).toEqual(["stars", "boxes", "berries", "days"]);
});

test("a name is taken as it is, whatever it looks like", () => {
  expect(classPrompts("$& {}", ["a {} and {c}"])).toEqual(["a $& {} and $& {}"]);
});

test("OpenAI's templates are 80 different ones, and the 7 are among them", () => {
  expect(new Set(openai80).size).toBe(80);
  expect(openai80.every((template) => template.split("{}").length === 2)).toBe(true);
  expect(openai7.length).toBe(7);
  expect(openai7.every((template) => openai80.includes(template))).toBe(true);
});

test("templates without a place for the name, none at all, and unknown sets are refused", async () => {
  expect(() => checkTemplates(["a {}", "a photo"], "t.txt")).toThrow(/"a photo", which has no \{\}/);
  expect(() => checkTemplates([], "t.txt")).toThrow(/no template/);
  await expect(readTemplates("openai-81")).rejects.toMatchObject({ code: "templates_missing" });
  await expect(readTemplates("toString")).rejects.toMatchObject({ code: "templates_missing" });
  expect(await readTemplates("openai-7")).toBe(openai7);
});

test("of equal scores the lower class is the answer; what is no number is never right", async () => {
  const same = table([
    [1, 1],
    [1, 1],
    [1, 1],
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  const tied = await zeroShot(same, same, [0, 1, 2, 3, 4, 5]);
  expect([tied.top1, tied.top5]).toEqual([1 / 6, 5 / 6]);
  const broken = { rows: 6, width: 2, data: new Float32Array(12).fill(NaN) };
  const result = await zeroShot(broken, same, [0, 1, 2, 3, 4, 5]);
  expect([result.top1, result.top5, result.meanPerClass]).toEqual([0, 0, 0]);
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
