import { spawnSync } from "node:child_process";
import type { StepBench } from "@pairloom/training";
import { beforeAll, describe, expect, it } from "vitest";
import { launcher } from "../road/pairloom.js";
import { cacheDir, tensorflowReason } from "./installation.js";

let reason: string | null = null;
beforeAll(async () => {
  reason = await tensorflowReason();
});

/** What a training takes is predicted before it starts, so that one that won't fit is seen before hours are spent. */
describe("the memory that is predicted is within 15 % of what is resident", () => {
  it.for([
    ["wasm", "--batch-size 64"],
    ["wasm", "--batch-size 64 --recompute"],
    ["tensorflow", "--batch-size 256"],
    ["tensorflow", "--batch-size 256 --recompute"],
    ["tensorflow", "--batch-size 256 --accumulate 4"],
    ["tensorflow", "--batch-size 256 --precision bf16"],
    ["tensorflow", "--case vitb32 --batch-size 4 --recompute"],
  ] as const)("on %s with %s", ([engine, options], context) => {
    if (engine === "tensorflow" && reason !== null) return context.skip(reason);
    const args = ["engine", "bench", "--engine", engine, "--seconds", "1", "--json", ...options.split(" ")];
    const measure = (): StepBench => {
      const ran = spawnSync(process.execPath, [launcher, ...args], {
        encoding: "utf8",
        env: { ...process.env, PAIRLOOM_NO_BUILD: "1", PAIRLOOM_CACHE: cacheDir },
      });
      expect(ran.status, ran.stderr).toBe(0);
      return JSON.parse(ran.stdout.trim().split("\n").at(-1) ?? "") as StepBench;
    };
    const { predictedMegabytes, residentMegabytes: first } = measure();
    const holds = (resident: number) =>
      predictedMegabytes / resident > 0.85 && predictedMegabytes / resident < 1.15;
    // What lies free inside the heap when a step ends differs by a tenth from process to process, and on a busy machine
    // V8 collects late: where one process is off, the median of five counts.
    const residents = [first];
    if (!holds(first)) for (let i = 0; i < 4; i++) residents.push(measure().residentMegabytes);
    const resident = residents.sort((a, b) => a - b)[residents.length >> 1]!;
    console.log(`${engine} ${options}: ${residents.join(", ")} MB resident, ${predictedMegabytes} predicted`);
    expect(predictedMegabytes / resident).toBeGreaterThan(0.85);
    expect(predictedMegabytes / resident).toBeLessThan(1.15);
  });
});
