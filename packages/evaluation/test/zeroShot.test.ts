import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pairloom/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

describe("a file of templates", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "templates-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const file = async (name: string, content: string) => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };

  test.each([
    ["lines", "t.txt", "\ufeffa photo of a {}.\r\n\nthe {c}\n{classname} on paper\n"],
    ["a JSON list", "t.json", '["a photo of a {}.", "the {c}", "{classname} on paper"]'],
    [
      "CLIP_benchmark's JSON",
      "sets.json",
      '{"x": ["no"], "shapes": ["a photo of a {}.", "the {c}", "{classname} on paper"]}',
    ],
  ])("is read as %s", async (_, name, content) => {
    const templates = await readTemplates(await file(name, content), { dataset: "shapes" });
    expect(classPrompts("dog", templates)).toEqual(["a photo of a dog.", "the dog", "dog on paper"]);
  });

  test("{} alone is a template", async () => {
    expect(await readTemplates(await file("plain.txt", "{}\n"))).toEqual(["{}"]);
  });

  test("without the dataset's own list gives ImageNet's, as CLIP_benchmark takes it, and says so", async () => {
    const notes: string[] = [];
    const path = await file("en.json", '{"cars": ["a car {c}"], "imagenet1k": ["a photo of {c}"]}');
    expect(await readTemplates(path, { dataset: "mine", note: (line) => notes.push(line) })).toEqual([
      "a photo of {c}",
    ]);
    expect(notes).toEqual([expect.stringContaining("those of imagenet1k are taken")]);
    await expect(readTemplates(await file("two.json", '{"a": ["{}"], "b": ["{}"]}'))).rejects.toMatchObject({
      code: "templates_invalid",
    });
  });

  test.each([
    ["open_clip's Python", "meta.py", "T = (\n    lambda c: f'a bad photo of a {c}.',\n)\n", /Python/],
    [
      "Python under another name",
      "meta.txt",
      "T = (\n    lambda c: f'a bad photo of a {c}.',\n)\n",
      /source code/,
    ],
    [
      "a notebook's list",
      "list.txt",
      "    'a bad photo of a {}.',\n    'a photo of many {}.',\n",
      /source code/,
    ],
    ["YAML", "t.yaml", "- a {}\n", /YAML/],
    ["prompts for each class", "cupl.json", '{"imagenet1k": {"dog": ["a dog"]}}', /an object/],
    ["broken JSON", "broken.json", '["a {}"', /no JSON/],
    ["another placeholder", "other.txt", "a {article} {}\n", /\{article\} is no known placeholder/],
    ["Python's escaped braces", "braces.txt", "{{}} {c}\n", /no known placeholder/],
  ])("that is %s is refused by name", async (_, name, content, says) => {
    await expect(readTemplates(await file(name, content))).rejects.toMatchObject({
      code: "templates_invalid",
      message: expect.stringMatching(says) as string,
    });
  });
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
