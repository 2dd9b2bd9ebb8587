import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packTar } from "@pairloom/shards";
import { afterAll, beforeAll, expect, test } from "vitest";
import { labelledPictures, type LabelledPictures } from "../src/project/labelledPictures.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "labelled-"));
  for (const [name, pictures] of Object.entries({ red_star: 2, blue_ring: 1 })) {
    await mkdir(join(folder, "classes", name), { recursive: true });
    for (let i = 0; i < pictures; i++) await writeFile(join(folder, "classes", name, `${i}.jpg`), name);
    await writeFile(join(folder, "classes", name, "notes.txt"), "no picture");
  }
  await mkdir(join(folder, "release"));
  const captions = [
    "a red star",
    "Reddish stars",
    "two RED STARS",
    "a star and a ring",
    "a ring.",
    "nothing",
  ];
  const members = captions.flatMap((caption, i) => [
    { name: `0000${i}.jpg`, data: Buffer.from("picture") },
    { name: `0000${i}.txt`, data: Buffer.from(caption) },
  ]);
  const parts: Buffer[] = [];
  for await (const part of packTar(members)) parts.push(part);
  await writeFile(join(folder, "release", "00000.tar"), Buffer.concat(parts));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function labelsOf({ pictures }: LabelledPictures): Promise<number[]> {
  const labels: number[] = [];
  for await (const { label } of pictures) labels.push(label);
  return labels;
}

const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};

test("a folder by class: subfolders in order, underscores are spaces, other files are no pictures", async () => {
  const data = await labelledPictures(join(folder, "classes"), {});
  expect(data.classes).toEqual(["blue ring", "red star"]);
  expect(await labelsOf(data)).toEqual([0, 1, 1]);
});

test("a list of names goes before the subfolders' own; one of another length is refused", async () => {
  const classesFile = await file("two.txt", "ring\n\nstar\n");
  expect((await labelledPictures(join(folder, "classes"), { classesFile })).classes).toEqual([
    "ring",
    "star",
  ]);
  const three = await file("three.txt", "a\nb\nc\n");
  await expect(labelledPictures(join(folder, "classes"), { classesFile: three })).rejects.toMatchObject({
    code: "classes_differ",
  });
});

test("a release by names: whole words, whatever the case; what names none or several is counted", async () => {
  const classesFile = await file("names.txt", "star\nring\n");
  const data = await labelledPictures(join(folder, "release"), { classesFile });
  expect(await labelsOf(data)).toEqual([0, 1]);
  expect(data.unlabelled()).toBe(4);
});

test("a release by rules", async () => {
  const rules = [
    { name: "star", pattern: "stars?" },
    { name: "ring", pattern: "^a ring" },
  ];
  const rulesFile = await file("rules.json", JSON.stringify(rules));
  const data = await labelledPictures(join(folder, "release"), { rulesFile });
  expect(data.classes).toEqual(["star", "ring"]);
  expect(await labelsOf(data)).toEqual([0, 0, 0, 0, 1]);
});

test("rules that are none, and a release of which nothing says the classes, are refused", async () => {
  const rulesFile = await file("broken.json", "[]");
  await expect(labelledPictures(join(folder, "release"), { rulesFile })).rejects.toMatchObject({
    code: "label_rules_invalid",
  });
  await expect(labelledPictures(join(folder, "release"), {})).rejects.toMatchObject({
    code: "classes_missing",
  });
});
