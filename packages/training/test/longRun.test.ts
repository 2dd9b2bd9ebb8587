import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { initialParameters, loadModelConfig } from "@pairloom/clip";
import type { UserError } from "@pairloom/config";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRelease } from "../src/data/openRelease.js";
import { openTrainingData, type TrainingData } from "../src/data/trainingData.js";
import { readBest } from "../src/run/bestCheckpoint.js";
import { listCheckpoints } from "../src/run/checkpoint.js";
import { loadNewestCheckpoint } from "../src/run/newestCheckpoint.js";
import { readMetrics } from "../src/run/metricsLog.js";
import { openRunLog } from "../src/run/runLog.js";
import { runSteps, TrainingDivergedError } from "../src/runSteps.js";
import { resolveTrainSettings, type TrainSettingsInput } from "../src/settings/trainSettings.js";
import { StepVariables } from "../src/step/stepVariables.js";
import { accumulates, openTrainingStep } from "../src/step/trainingStep.js";
import { train } from "../src/train.js";
import { makeSmallRelease, smallModel } from "./smallRelease.js";

let engine: Engine;
let folder: string;
let release: string;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
  ({ folder, release } = await makeSmallRelease());
  const text_cfg = { ...smallModel.text_cfg, vocab_size: 32000 };
  await writeFile(join(folder, "bert.json"), JSON.stringify({ ...smallModel, text_cfg }));
  const vision_cfg = { ...smallModel.vision_cfg, patch_dropout: 0.5 };
  await writeFile(join(folder, "dropping.json"), JSON.stringify({ ...smallModel, vision_cfg }));
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

let runs = 0;
function settingsOf(more: TrainSettingsInput = {}) {
  return resolveTrainSettings({
    ...{ data: release, model: join(folder, "small.json"), out: join(folder, `run${runs++}`) },
    ...{ steps: 8, batchSize: 6, warmup: 2, checkpointEvery: 3, seed: 3, preflightSeconds: 0 },
    ...more,
  });
}

const digestsOf = async (run: string) => {
  const { model, optimizer } = (await listCheckpoints(run)).at(-1)!;
  const digest = async (path: string) =>
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  return Promise.all([digest(model), digest(optimizer)]);
};
const stepsOf = async (run: string) => (await listCheckpoints(run)).map(({ step }) => step);

describe("a run with everything on goes on bit for bit from any step", () => {
  const everything: TrainSettingsInput = {
    ...{ emaDecay: 0.9, accumulate: 3, keepCaptionsApart: true, dataWorkers: 2 },
    ...{ layerDecay: 0.8, crop: "resized", brightness: 0.1 },
  };
  test.each([
    ["in memory", "small.json", { patchDropout: 0.5, recompute: true }],
    ["streamed", "small.json", { patchDropout: 0.5, cacheMegabytes: 0, shuffleWindow: 7 }],
    ["a ResNet, in memory", "resnet.json", {}],
  ])(
    "%s",
    async (_, model, more) => {
      const set = { ...everything, model: join(folder, model), ...more };
      const whole = settingsOf(set);
      await train(whole, { engine });
      const stopped = settingsOf(set);
      for (const at of [2, 5, 99]) {
        const stop = new AbortController();
        const onStep = ({ step }: { step: number }) => step === at && stop.abort();
        await train({ ...stopped, resume: true }, { engine, signal: stop.signal, onStep });
      }
      expect((await stepsOf(stopped.out)).at(-1)).toBe(8);
      expect(await digestsOf(stopped.out)).toEqual(await digestsOf(whole.out));
      const losses = async (run: string) =>
        (await readMetrics(run)).map((line) => "loss" in line && line.loss);
      expect(await losses(stopped.out)).toEqual(await losses(whole.out));
    },
    120_000,
  );
});

describe("a batch that is not a number", () => {
  /** The batches of a release, of which that of one step has NaN in a picture. */
  const poisoned = (data: TrainingData, at: number): TrainingData => ({
    ...data,
    async *batches(step, cursor) {
      const batches = data.batches(step, cursor);
      try {
        for await (const batch of batches) {
          if (++step === at) batch.images[0] = NaN;
          yield batch;
        }
      } finally {
        await batches.return();
      }
    },
  });

  test.each([
    ["whole", 1],
    ["in parts", 3],
  ])(
    "%s: stops, names step and samples, and the last good checkpoint loads with the weights before",
    async (_, accumulate) => {
      const settings = settingsOf({ accumulate, checkpointEvery: 100, tensorboard: false });
      const config = await loadModelConfig(settings.model);
      const opened = await openTrainingData(await openRelease(release), settings, config);
      const options = { accumulates: accumulates(settings) };
      const variables = new StepVariables(config, initialParameters(config, 0), settings, options);
      const step = openTrainingStep(engine, variables, settings);
      const run = settings.out;
      await mkdir(join(run, "checkpoints"), { recursive: true });
      const runLog = await openRunLog(run, 0, false);
      const lock = { assertHeld: () => undefined };
      const context = {
        run,
        lock,
        settings,
        config,
        variables,
        step,
        from: 0,
        cursor: null,
        steps: 8,
        runLog,
      };
      let before: Float32Array | undefined;
      const onStep = () => (before = Float32Array.from(variables.parameters.get("visual.proj")!.dataSync()));
      const error: unknown = await runSteps(
        { ...context, data: poisoned(opened, 5) },
        { engine, onStep },
      ).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (!(error instanceof TrainingDivergedError)) throw new Error("nothing diverged", { cause: error });
      expect(error).toMatchObject({ code: "training_diverged", step: 5 });
      expect(error.message).toMatch(/^Step 5: the loss is NaN; the batch holds the samples 0000[01]\d{4}, /);
      expect(error.hint).toContain("step-000004.safetensors");
      expect((await readMetrics(run)).map((line) => line.step)).toEqual([1, 2, 3, 4]);
      const kept = await loadNewestCheckpoint(run, config, (line) => expect.fail(line));
      expect(kept?.step).toBe(4);
      expect([...(kept!.model.get("visual.proj")!.data as Float32Array)].sort()).toEqual([...before!].sort());
      for (const { data } of [...kept!.model.values(), ...kept!.optimizer.values()])
        if (data instanceof Float32Array) expect(data.every(Number.isFinite)).toBe(true);
      step.dispose();
      variables.dispose();
    },
  );

  test.each([1, 2])("a loss that explodes is one as well, in %i parts", async (accumulate) => {
    const settings = settingsOf({ lr: 1e30, warmup: 0, schedule: "constant", steps: 50, accumulate });
    const error: unknown = await train(settings, { engine }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TrainingDivergedError);
    expect((error as UserError).message).toMatch(/^Step \d+: (the loss|the gradient).*samples 0000[01]\d{4}/);
    const config = await loadModelConfig(settings.model);
    expect(await loadNewestCheckpoint(settings.out, config, (line) => expect.fail(line))).not.toBeNull();
  });
});

describe("checkpoints", () => {
  test("come by the clock too, and the last K stay", async () => {
    const often = settingsOf({ checkpointEvery: 100, checkpointMinutes: 1e-9, keepLast: 3 });
    await train(often, { engine });
    expect(await stepsOf(often.out)).toEqual([6, 7, 8]);
    const never = settingsOf({ checkpointEvery: 100, checkpointMinutes: null, keepLast: 3 });
    await train(never, { engine });
    expect(await stepsOf(never.out)).toEqual([8]);
  });

  test("the best by a metric stays beyond the last K, also when the run is resumed in between", async () => {
    const recall = (step: number) => (step === 2 ? 0.9 : 0.1 + step / 100);
    const evaluate = ({ step }: { step: number }) => Promise.resolve({ recall: recall(step), loss: step });
    const set = { checkpointEvery: 1, evaluateEvery: 1, keepLast: 1, steps: 6 };
    const settings = settingsOf({ ...set, keepBest: "recall" });
    const stop = new AbortController();
    const onStep = ({ step }: { step: number }) => step === 4 && stop.abort();
    await train(settings, { engine, evaluate, signal: stop.signal, onStep });
    expect(await stepsOf(settings.out)).toEqual([2, 4]);
    await train({ ...settings, resume: true }, { engine, evaluate });
    expect(await stepsOf(settings.out)).toEqual([2, 6]);
    expect(await readBest(settings.out)).toEqual({ metric: "recall", value: 0.9, step: 2 });
    const least = settingsOf({ ...set, keepBest: "loss" });
    await train(least, { engine, evaluate });
    expect(await stepsOf(least.out)).toEqual([1, 6]);
  });

  test("a metric that the evaluation doesn't give is said, with those that it gives", async () => {
    const lines: string[] = [];
    const settings = settingsOf({ keepBest: "recal" });
    const evaluate = () => Promise.resolve({ recall: 1 });
    await train(settings, { engine, evaluate, log: (line) => lines.push(line) });
    expect(lines.join("\n")).toContain("the evaluation gives no recal, but recall");
    expect(await readBest(settings.out)).toBeNull();
  });
});

test("a model's own patch dropout is trained with, as if it had been asked for", async () => {
  const losses = async (settings: TrainSettingsInput) => {
    const resolved = settingsOf({ steps: 3, ...settings });
    await train(resolved, { engine });
    return (await readMetrics(resolved.out)).flatMap((line) => ("loss" in line ? [line.loss] : []));
  };
  const own = await losses({ model: join(folder, "dropping.json") });
  expect(own).toEqual(await losses({ patchDropout: 0.5 }));
  expect(own).not.toEqual(await losses({}));
}, 120_000);

test.each([
  ["precision_unsupported", { precision: "bf16" }],
  ["precision_unsupported", { xla: true }],
  ["patch_dropout_unsupported", { patchDropout: 0.5, model: "resnet" }],
  ["tokenizer_misfit", { model: "bert" }],
] as const)("%s: %j is refused before anything is written or allocated", async (code, { ...more }) => {
  const model = join(folder, `${"model" in more ? more.model : "small"}.json`);
  const settings = settingsOf({ ...more, model });
  const before = tf.memory().numTensors;
  await expect(train(settings, { engine })).rejects.toMatchObject({ name: "UserError", code });
  expect(tf.memory().numTensors).toBe(before);
  expect(existsSync(settings.out)).toBe(false);
});
