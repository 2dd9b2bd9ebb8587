import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvaluatedModel } from "@pairloom/evaluation";
import { afterEach, beforeEach, expect, test } from "vitest";
import { imageFolderInput } from "../src/project/embedInputs.js";
import { evaluationPictures } from "../src/project/evaluationPictures.js";

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "linked-pictures-"));
  folder = join(root, "set");
  await mkdir(join(root, "real"));
  await mkdir(folder);
  for (const name of ["0.jpg", "1.png"]) await writeFile(join(root, "real", name), name);
  await writeFile(join(folder, "a.jpg"), "a");
  await symlink(join(root, "real", "0.jpg"), join(folder, "b.jpg"));
  await symlink(join(root, "real"), join(folder, "sub"));
  await symlink(root, join(root, "real", "up"));
});
afterEach(() => rm(root, { recursive: true }));

const picturesOf = async () => {
  const found: string[] = [];
  for await (const item of evaluationPictures(folder))
    if ("picture" in item) found.push(`${item.from.slice(folder.length + 1)}: ${String(item.picture)}`);
  return found;
};

test("pictures to embed are found through links; what leads nowhere or back is named", async () => {
  await symlink("gone", join(folder, "c.jpg"));
  // no feature is asked for, so no model is needed
  const input = await imageFolderInput(folder, {} as EvaluatedModel, 8);
  expect(input.count).toBe(4);
  expect(input.skipped).toEqual([
    { path: "c.jpg", problem: "a link that leads nowhere" },
    { path: "sub/up", problem: "a link that leads back" },
  ]);
});

test("an evaluation set of linked pictures is kept out of a release whole", async () => {
  expect(await picturesOf()).toEqual(["a.jpg: a", "b.jpg: 0.jpg", "sub/0.jpg: 0.jpg", "sub/1.png: 1.png"]);
});

test("an evaluation set with a link that leads nowhere is refused by the link's name", async () => {
  await symlink("gone", join(folder, "c.jpg"));
  await expect(picturesOf()).rejects.toMatchObject({
    code: "list_damaged",
    message: `${join(folder, "c.jpg")} can't be read: a link that leads nowhere`,
  });
});
