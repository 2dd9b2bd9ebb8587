import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withFolderLock } from "../src/lock/folderLock.js";
import { processSpace } from "../src/lock/processIdentity.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

test("of many that want a lock one has it at a time", async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await sleep(2);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 12 }, () => withFolderLock(folder, work)));
  expect(most).toBe(1);
  expect(await readdir(folder)).toHaveLength(1);
});

test("a lock is free again after an error inside", async () => {
  const failing = withFolderLock(folder, () => Promise.reject(new Error("inside")));
  await expect(failing).rejects.toThrow("inside");
  expect(await withFolderLock(folder, async () => 7, { timeoutMs: 500 })).toBe(7);
});

test("the lock of a dead process is taken over by one alone", async () => {
  const dead = { pid: process.pid, ticks: "1", space: processSpace() };
  await writeFile(join(folder, "lock.41"), JSON.stringify(dead));
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await sleep(5);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withFolderLock(folder, work)));
});

test("the lock of a process that cannot be looked at is believed", async () => {
  await writeFile(join(folder, "lock.1"), JSON.stringify({ pid: 1, ticks: "1", space: "elsewhere" }));
  await expect(withFolderLock(folder, async () => 1, { timeoutMs: 200 })).rejects.toThrow(/not free/);
});
