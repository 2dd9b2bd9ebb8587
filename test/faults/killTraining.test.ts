import { createHash } from "node:crypto";
import { readFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TrainResult } from "@pairloom/training";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSmallRelease } from "../../packages/training/test/smallRelease.js";
import { cacheDir, tensorflowReason } from "../engines/installation.js";
import { webgpuReason } from "../engines/vulkanDriver.js";
import { lastJson, pairloom, startPairloom } from "../road/pairloom.js";
import { seededRandom } from "./crawlSettings.js";
import { isLong, killCount, killSeed } from "./killCount.js";

/** The engines; 16 kills in all, or 240 of a run that is ten times as long. A step of the last takes the longest. */
const times = isLong ? 10 : 1;
const engines = [
  { name: "wasm", options: ["--engine", "wasm"], count: killCount(5, 60), steps: 200 * times },
  { name: "tensorflow", options: ["--engine", "tensorflow"], count: killCount(5, 70), steps: 200 * times },
  {
    name: "tensorflow in bf16",
    options: ["--engine", "tensorflow", "--precision", "bf16"],
    count: killCount(3, 70),
    steps: 200 * times,
  },
  { name: "webgpu", options: ["--engine", "webgpu"], count: killCount(3, 40), steps: isLong ? 500 : 25 },
];
const { steps } = engines[0]!;
const env = { PAIRLOOM_NO_BUILD: "1", PAIRLOOM_CACHE: cacheDir };

let folder: string;
beforeAll(async () => {
  ({ folder } = await makeSmallRelease());
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Why an engine can't be tested on this machine; null if it can. */
function whyNot(name: string): Promise<string | null> | string | null {
  if (name === "webgpu") return webgpuReason();
  return name === "wasm" ? null : tensorflowReason();
}

const command = (run: string, engine: readonly string[], more: readonly string[] = []) => [
  ...[
    "train",
    "--data",
    join(folder, "release"),
    "--out",
    join(folder, run),
    "--model",
    join(folder, "small.json"),
  ],
  ...[
    "--steps",
    String(steps),
    "--batch-size",
    "8",
    "--seed",
    "3",
    "--checkpoint-every",
    "7",
    "--ema-decay",
    "0.95",
  ],
  // not in memory: the cursor into the shards is then part of what is kept
  ...["--data-workers", "1", "--set", "cacheMegabytes=0", "--threads", "2", "--preflight-seconds", "0"],
  ...engine,
  ...more,
];

/** The newest checkpoint's files at the end: the averages in one, parameters and moments in the other. */
async function finalState(run: string, last = steps): Promise<string> {
  const hash = createHash("sha256");
  const base = join(folder, run, "checkpoints", `step-${String(last).padStart(6, "0")}`);
  for (const ending of ["safetensors", "optimizer"]) hash.update(await readFile(`${base}.${ending}`));
  return hash.digest("hex");
}

async function stepsOf(run: string): Promise<number[]> {
  const lines = (await readFile(join(folder, run, "metrics.jsonl"), "utf8")).trimEnd().split("\n");
  return lines
    .map((line) => JSON.parse(line) as { step: number; loss?: number })
    .filter(({ loss }) => loss !== undefined)
    .map(({ step }) => step);
}

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe.each(engines)("a training on $name", ({ name, options: engine, count, steps }) => {
  const options = [...engine, "--steps", String(steps)];
  it(`that is killed ${count} times comes to the same bits as one left alone`, async (context) => {
    const reason = await whyNot(name);
    if (reason !== null) return context.skip(reason);
    const [alone, killed] = [`${name} alone`, `${name} killed`];
    // a driver compiles shaders once for all runs: that is no part of a run's time
    if (name === "webgpu") await pairloom(command("first", [...engine, "--steps", "1"]), env);
    const from = Date.now();
    const ran = await pairloom(command(alone, options, ["--json"]), env);
    expect(ran.code, ran.stderr).toBe(0);
    const trainMs = 1000 * lastJson<TrainResult>(ran).seconds;
    const startMs = Date.now() - from - trainMs;
    const expected = await finalState(alone, steps);
    const random = seededRandom(killSeed(11));
    let [done, tries] = [0, 0];
    while (done < count) {
      const child = startPairloom(command(killed, options, ["--resume"]), env);
      const ended = new Promise<boolean>((resolve) =>
        child.on("close", (_, signal) => resolve(signal === "SIGKILL")),
      );
      // while it starts, or within its next steps: so many that all kills together come to about one run
      const moment = random() * (startMs + (3 * trainMs) / count);
      await Promise.race([sleep(Math.max(200, moment)), ended]);
      child.kill("SIGKILL");
      if (await ended) done++;
      else {
        // it got to its end before: it is to be right all the same, and the next begins anew
        expect(await finalState(killed, steps)).toBe(expected);
        await rm(join(folder, killed), { recursive: true, force: true });
      }
      if (++tries > 3 * count) throw new Error(`only ${done} of ${tries} could be killed`);
    }
    const last = await pairloom(command(killed, options, ["--resume"]), env);
    expect(last.code, last.stderr).toBe(0);
    expect(await finalState(killed, steps)).toBe(expected);
    expect(await stepsOf(killed)).toEqual(upTo(steps));
    console.log(`${name}: killed ${done} times in ${Math.round((Date.now() - from) / 1000)} s`);
  });
});

describe("a training that is asked to stop", () => {
  it("writes a checkpoint, says how to go on, and goes on to the same bits", async () => {
    const options = ["--engine", "wasm", "--set", "checkpointEvery=1000"];
    const child = startPairloom(command("stopped", options), env);
    let said = "";
    child.stdout?.on("data", (chunk) => (said += String(chunk)));
    const ended = new Promise((resolve) => child.on("close", resolve));
    await expect.poll(() => stepsOf("stopped").catch(() => []), { timeout: 60_000 }).toContain(3);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
    const step = Number(
      /Stopped after step (\d+) of \d+; go on with: pairloom train .*--resume/.exec(said)?.[1],
    );
    expect(await stepsOf("stopped")).toEqual(upTo(step));
    const resumed = await pairloom(command("stopped", options, ["--resume", "--json"]), env);
    expect(lastJson<TrainResult>(resumed)).toMatchObject({ status: "finished", step: steps });
    // the checkpoint was there: no step before it was done again
    expect(lastJson<TrainResult>(resumed).samples).toBe((steps - step) * 8);
    expect(await finalState("stopped")).toBe(await finalState("wasm alone"));
  });

  it("goes back to the checkpoint before a truncated one, with a warning, and comes to the same bits", async () => {
    const options = ["--engine", "wasm"];
    const undisturbed = await finalState("stopped");
    const newest = join(folder, "stopped", "checkpoints", `step-${String(steps).padStart(6, "0")}`);
    const halted = await pairloom(command("cut", options, ["--steps", String(steps)]), env);
    expect(halted.code, halted.stderr).toBe(0);
    const cut = newest.replace("stopped", "cut");
    await truncate(`${cut}.optimizer`, 1000);
    const resumed = await pairloom(command("cut", options, ["--resume"]), env);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stdout + resumed.stderr).toMatch(
      /warning: checkpoint .*step-000200.* is damaged .*going back to the one before/,
    );
    expect(await finalState("cut")).toBe(undisturbed);
  });
});
