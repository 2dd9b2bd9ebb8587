import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { walkFolder } from "../src/walkFolder.js";

let folder: string;
const at = (...names: string[]) => join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "walk-"));
});
afterEach(() => rm(folder, { recursive: true }));

test("links to files and folders are followed; loops end, and what leads nowhere is named", async () => {
  await mkdir(at("real", "deep"), { recursive: true });
  await mkdir(at("set", "a"), { recursive: true });
  await writeFile(at("real", "0.jpg"), "");
  await writeFile(at("real", "deep", "1.jpg"), "");
  await symlink(at("real"), at("set", "b"));
  await symlink(join("..", "..", "real", "0.jpg"), at("set", "a", "linked.jpg"));
  await symlink("gone", at("set", "a", "dangling.jpg"));
  await symlink(join("..", ".."), at("real", "deep", "up"));
  await symlink("self", at("set", "self"));
  execFileSync("mkfifo", [at("set", "a", "pipe.jpg")]);
  await symlink(join("a", "pipe.jpg"), at("set", "pipe.jpg"));
  expect(await walkFolder(at("set"))).toEqual({
    files: ["a/linked.jpg", "b/0.jpg", "b/deep/1.jpg"],
    problems: [
      { path: "a/dangling.jpg", problem: "a link that leads nowhere" },
      { path: "a/pipe.jpg", problem: "no file" },
      { path: "b/deep/up", problem: "a link that leads back" },
      { path: "pipe.jpg", problem: "no file" },
      { path: "self", problem: "a link that leads nowhere" },
    ],
  });
});

test("the order is that of code points, folder by folder", async () => {
  for (const name of ["a", "a-b", "B", "\u{1F600}", "\uFF5E"]) {
    await mkdir(at(name, "c"), { recursive: true });
    await writeFile(at(name, "c", "x.jpg"), "");
    await writeFile(at(name, "z.jpg"), "");
  }
  expect((await walkFolder(folder)).files).toEqual([
    "B/z.jpg",
    "B/c/x.jpg",
    "a/z.jpg",
    "a-b/z.jpg",
    "a-b/c/x.jpg",
    "a/c/x.jpg",
    "\uFF5E/z.jpg",
    "\uFF5E/c/x.jpg",
    "\u{1F600}/z.jpg",
    "\u{1F600}/c/x.jpg",
  ]);
});
