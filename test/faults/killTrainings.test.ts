import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunSummary } from "@pairloom/service-monitor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSmallRelease } from "../../packages/training/test/smallRelease.js";
import { lastJson, pairloom, startPairloom } from "../road/pairloom.js";
import { seededRandom } from "./crawlSettings.js";
import { isLong, killCount, killSeed } from "./killCount.js";
import { victimsOf } from "./victims.js";

const kills = killCount(12, 60);
/** Enough that there is something to kill until the end. */
const steps = isLong ? 2000 : 400;

let folder: string;
let dir: string;
let trainer: ChildProcess;
let stopping = false;
const env = { PAIRLOOM_NO_BUILD: "1" };

/** Runs the trainer as a supervisor would: a killed one is started again. */
function keepTrainer(): void {
  trainer = startPairloom(["worker", "trainer", "--dir", dir], env);
  trainer.on("close", () => {
    if (!stopping) keepTrainer();
  });
}

beforeAll(async () => {
  const made = await makeSmallRelease();
  ({ folder } = made);
  dir = await mkdtemp(join(tmpdir(), "pairloom-kill-trainings-"));
  await writeFile(join(dir, "pairloom.json"), JSON.stringify({ project: "kill-trainings", sources: [] }));
  await mkdir(join(dir, "releases"));
  await cp(made.release, join(dir, "releases", "small"), { recursive: true });
  await cp(join(folder, "small.json"), join(dir, "small.json"));
});
afterAll(async () => {
  stopping = true;
  if (trainer !== undefined) {
    const ended = new Promise((resolve) => trainer.on("close", resolve));
    trainer.kill("SIGTERM");
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
  await rm(dir, { recursive: true, force: true });
});

const settings = ["--engine", "wasm", "--batch-size", "8", "--checkpoint-every", "20", "--seed", "3"];
const jobs = async <T>(...args: string[]): Promise<T> => {
  const ran = await pairloom(["jobs", ...args, "--dir", dir, "--json"], env);
  expect(ran.code, ran.stderr).toBe(0);
  return lastJson<T>(ran);
};
const launch = (run: string, ...more: string[]) =>
  jobs(
    "launch",
    "--release",
    "small",
    "--run",
    run,
    "--model",
    join(dir, "small.json"),
    "--steps",
    String(steps),
    ...settings,
    ...more,
  );
const stateOf = async (run: string) => (await jobs<RunSummary>("show", run)).state;
const reach = async (run: string, state: string, timeoutMs = 240_000) => {
  const deadline = Date.now() + timeoutMs;
  // each question is a process: while steps are missing the answer is known
  const isUnderWay = async () => state === "finished" && (await stepsDone(run)) < steps;
  for (;;) {
    const isLate = Date.now() > deadline;
    if (isLate || !(await isUnderWay())) {
      const now = await stateOf(run);
      if (now === state) return;
      if (isLate) throw new Error(`${run} is ${now}, not ${state}`);
    }
    await sleep(500);
  }
};
/** Steps in a run's metrics, without a process of its own to ask. */
const stepsDone = async (run: string): Promise<number> => {
  const text = await readFile(join(dir, "runs", run, "metrics.jsonl"), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line.includes('"loss"')).length;
};
const until = async (holds: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("What was waited for did not come true");
    await sleep(50);
  }
};
const weights = async (run: string) =>
  createHash("sha256")
    .update(await readFile(join(run, "checkpoints", `step-${String(steps).padStart(6, "0")}.safetensors`)))
    .digest("hex");

/** Processes that train in this project (Linux: /proc). */
async function trainings(): Promise<{ name: string; pid: number }[]> {
  const found: { name: string; pid: number }[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const args = (await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "")).split("\0");
    if (args.includes("train") && args.some((arg) => arg.startsWith(join(dir, "runs"))))
      found.push({ name: "training", pid: Number(entry) });
  }
  return found;
}

describe("training jobs under kill -9", () => {
  it(`of trainer, training and Redis, ${kills} times: each run is trained once, to the same bits, as was wished`, async () => {
    const undisturbed = join(folder, "undisturbed");
    const data = join(dir, "releases", "small");
    const model = join(dir, "small.json");
    const alone = ["train", "--data", data, "--out", undisturbed, "--model", model, "--steps", String(steps)];
    expect((await pairloom([...alone, ...settings], env)).code).toBe(0);
    const expected = await weights(undisturbed);

    await launch("a");
    await launch("b");
    await launch("c");
    await launch("unwanted");
    keepTrainer();
    const random = seededRandom(killSeed(7));
    const killed: string[] = [];
    // wishes come in the middle of it all: after so many kills
    const wishes = new Map<number, () => Promise<unknown>>([
      [3, () => jobs("cancel", "unwanted")],
      [4, async () => (await stateOf("b")) !== "finished" && jobs("pause", "b")],
      [8, async () => (await stateOf("b")) !== "finished" && jobs("resume", "b")],
    ]);
    while (killed.length < kills || wishes.size > 0) {
      await sleep(500 + random() * 2500);
      for (const [after, wish] of wishes)
        if (after <= killed.length) {
          wishes.delete(after);
          await wish();
        }
      const victims = [...(await victimsOf(dir, undefined)), ...(await trainings())];
      const victim = victims[Math.floor(random() * victims.length)];
      if (victim === undefined) continue;
      try {
        process.kill(victim.pid, "SIGKILL");
        killed.push(victim.name);
      } catch {
        continue; // it had just ended
      }
    }
    for (const run of ["a", "b", "c"]) await reach(run, "finished");
    console.log(`killed: ${killed.join(", ")}`);
    expect(await stateOf("unwanted")).toBe("cancelled");
    for (const run of ["a", "b", "c"]) {
      const place = join(dir, "runs", run);
      expect(await weights(place), run).toBe(expected);
      const lines = (await readFile(join(place, "metrics.jsonl"), "utf8")).trimEnd().split("\n");
      const done = lines.map((line) => JSON.parse(line) as { step: number; loss?: number });
      expect(
        done.filter(({ loss }) => loss !== undefined).map(({ step }) => step),
        run,
      ).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
    }
    await expect.poll(() => trainings(), { timeout: 20_000 }).toEqual([]);
  });

  it("a run that is paused and resumed goes on to the same bits as one that never stopped", async () => {
    const expected = await weights(join(folder, "undisturbed"));
    await launch("halting", "--set", "keepLast=100");
    let halts = 0;
    while (halts < 2) {
      const before = await stepsDone("halting");
      // the command itself takes most of a second: the wish is made as soon as there is a step to halt after
      await until(async () => (await stepsDone("halting")) > before);
      const asked = await pairloom(["jobs", "pause", "halting", "--dir", dir, "--json"], env);
      if (asked.code !== 0 && (await stateOf("halting")) === "finished") break;
      expect(asked.code, asked.stderr).toBe(0);
      await reach("halting", "paused");
      halts++;
      await jobs("resume", "halting");
    }
    expect(halts).toBeGreaterThan(0);
    await reach("halting", "finished");
    expect(await weights(join(dir, "runs", "halting"))).toBe(expected);
  });
});
