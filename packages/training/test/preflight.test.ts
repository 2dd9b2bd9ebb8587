import { rm } from "node:fs/promises";
import { join } from "node:path";
import { initialParameters, loadModelConfig } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRelease } from "../src/data/openRelease.js";
import { openTrainingData } from "../src/data/trainingData.js";
import { preflight } from "../src/run/preflight.js";
import { resolveTrainSettings, type TrainSettingsInput } from "../src/settings/trainSettings.js";
import { train } from "../src/train.js";
import { makeSmallRelease } from "./smallRelease.js";

let engine: Engine;
let sound: { folder: string; release: string };
let alike: { folder: string; release: string };
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
  sound = await makeSmallRelease();
  alike = await makeSmallRelease(24, { alike: true });
});
afterAll(async () => {
  await engine.dispose();
  for (const { folder } of [sound, alike]) await rm(folder, { recursive: true });
});

let runs = 0;
const settingsOf = ({ folder, release }: typeof sound, more: TrainSettingsInput) =>
  resolveTrainSettings({
    ...{ data: release, model: join(folder, "small.json"), out: join(folder, `run${runs++}`) },
    ...{ steps: 2, batchSize: 20, warmup: 0, seed: 3, captions: "first" },
    ...more,
  });

async function fly(data: typeof sound, more: TrainSettingsInput = {}): Promise<string> {
  const settings = settingsOf(data, more);
  const config = await loadModelConfig(settings.model);
  const opened = await openTrainingData(await openRelease(settings.data), settings, config);
  return preflight(engine, config, initialParameters(config, 0), settings, opened);
}

test("pairs of sound data are learned by heart, whatever the training's own rates, and no tensor stays", async () => {
  const before = tf.memory().numTensors;
  const line = await fly(sound, { lr: 1e-9, textRate: 1e-3, maxLogitScale: 2, emaDecay: 0.9, accumulate: 2 });
  expect(line).toMatch(
    /^preflight: 8 pairs learned by heart in \d+ steps, \d+\.\d s \(loss \d\.\d\d → \d\.\d\d\)$/,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test("pictures that are all equal can't be learned: the training is refused, and says what was seen", async () => {
  const before = tf.memory().numTensors;
  const refused = train(settingsOf(alike, {}), { engine });
  await expect(refused).rejects.toMatchObject({ name: "UserError", code: "preflight_failed" });
  await expect(refused).rejects.toThrow(
    /the loss went from \d\.\d\d to 2\.\d\d only, in 200 steps on 8 pairs/,
  );
  expect(tf.memory().numTensors).toBe(before);
});

test.each([
  ["(0 seconds were given)", { preflightSeconds: 0 }],
  ["since a tower is locked", { lock: "image" }],
  ["have no 8 pairs of different captions", { batchSize: 8 }],
] as const)("it says that it was skipped: %s", async (why, more) => {
  const line = await fly(sound, more);
  expect(line).toMatch(/^preflight: skipped/);
  expect(line).toContain(why);
});

test.each([
  [1e-6, /^preflight: out of time before its first step/],
  [0.3, /^preflight: out of time (before its first step|after \d+ steps \(loss \d\.\d\d → \d\.\d\d\))/],
])("with %d seconds it says how far it came, and refuses nothing", async (preflightSeconds, line) => {
  expect(await fly(alike, { preflightSeconds })).toMatch(line);
});

test("a training's log has its line, and a resumed one's has none", async () => {
  const settings = settingsOf(sound, { preflightSeconds: 60 });
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const flown = () => lines.splice(0).filter((line) => line.startsWith("preflight"));
  await train(settings, { engine, log });
  expect(flown()).toHaveLength(1);
  await train({ ...settings, resume: true }, { engine, log });
  expect(flown()).toEqual([]);
});
