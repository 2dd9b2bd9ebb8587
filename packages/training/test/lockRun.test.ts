import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { ownIdentity, processSpace } from "@pairloom/storage/lock";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lockRun } from "../src/run/lockRun.js";

const leaseMs = 1200;
let run: string;
const lines: string[] = [];
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "lock-run-"));
  lines.length = 0;
});
afterEach(() => rm(run, { recursive: true }));

const lock = () => lockRun(run, { leaseMs, log: (line) => lines.push(line) });
const elsewhere = { pid: 71, ticks: "5", space: "another-boot/pid:[1]", host: "build-3" };
const since = "2026-11-05T20:11:00.000Z";

test("a run that a living process has is refused at once: who, since when, what to do", async () => {
  const text = JSON.stringify({ ...ownIdentity(), space: processSpace(), host: hostname(), since });
  await writeFile(join(run, "run.lock.4"), text);
  await expect(lock()).rejects.toMatchObject({
    code: "run_locked",
    message: `${run} is locked by process ${process.pid} on host ${hostname()}, since ${since}: it is training there`,
    hint: `Wait until it ends, or stop it on ${hostname()}. Its lock expires by itself once it is gone.`,
  });
  expect(lines).toEqual([]);
  expect(await readFile(join(run, "run.lock.4"), "utf8")).toBe(text);
});

test("a holder on another machine is watched: a sign of life is enough to refuse", async () => {
  const path = join(run, "run.lock.4");
  await writeFile(path, JSON.stringify({ ...elsewhere, since }));
  const beat = setInterval(() => void utimes(path, Date.now() / 1000, Date.now() / 1000), leaseMs / 6);
  await expect(lock()).rejects.toMatchObject({
    code: "run_locked",
    message: expect.stringContaining(`process 71 on host build-3, since ${since}`) as string,
  });
  clearInterval(beat);
  expect(lines).toEqual([expect.stringContaining("waiting up to 2 s for a sign of life")]);
});

test.each([
  ["this version", "run.lock.4", JSON.stringify({ ...elsewhere, since })],
  ["an older version", "run.lock", "build-3 71 5"],
])("the lock of a host that is gone expires, and says whose it was (%s)", async (_, name, text) => {
  await writeFile(join(run, name), text);
  const held = await lock();
  expect(lines.at(-1)).toMatch(/^warning: took over .* from process 71 on host build-3.*, which is gone$/);
  await held.release();
  expect((await readdir(run)).filter((one) => one.startsWith("run.lock"))).toEqual([
    expect.stringMatching(/^run\.lock\.\d\.free$/),
  ]);
});

test("a run is free again when its lock was given back", async () => {
  await (await lock()).release();
  await (await lock()).release();
  expect(lines).toEqual([]);
});
