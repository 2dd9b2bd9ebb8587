import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  clipDeviation,
  clipMean,
  initialParameters,
  loadModelConfig,
  type ModelConfig,
  modelMetadata,
  parseModelConfig,
  writeSafetensors,
} from "@pairloom/clip";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRelease } from "../src/data/openRelease.js";
import { openTrainingData } from "../src/data/trainingData.js";
import { writeStartingModel } from "../src/launcher/writeStartingModel.js";
import { startingModel } from "../src/run/startingModel.js";
import { resolveTrainSettings } from "../src/settings/trainSettings.js";
import { makeSmallRelease } from "./smallRelease.js";

let folder: string;
let release: string;
let named: ModelConfig;
let own: ModelConfig;
let model: string;
let weights: string;
beforeAll(async () => {
  ({ folder, release } = await makeSmallRelease());
  model = join(folder, "small.json");
  weights = join(folder, "own.safetensors");
  named = await loadModelConfig(model);
  own = parseModelConfig({ ...named, preprocess_cfg: { mean: 0.5, std: 0.25, resize_mode: "squash" } });
  await writeFile(weights, writeSafetensors(initialParameters(own, 4), modelMetadata(own)));
});
afterAll(() => rm(folder, { recursive: true }));

const settingsOf = (more: object) =>
  resolveTrainSettings({ data: release, out: join(folder, "run"), steps: 1, batchSize: 4, ...more });

test("a training from weights has their preprocessing, under a named config or their own", async () => {
  for (const given of [{ model }, {}]) {
    const settings = settingsOf({ initialCheckpoint: weights, ...given });
    const { config, state } = await startingModel(settings, null, () => {});
    expect(config).toEqual(own);
    expect(await state()).toEqual(initialParameters(own, 4));
  }
  expect(settingsOf({}).model).toBe("tiny");
});

test("weights of another model than the named one are refused", async () => {
  const other = join(folder, "other.json");
  await writeFile(other, JSON.stringify({ ...named, quick_gelu: !named.quick_gelu }));
  const settings = settingsOf({ initialCheckpoint: weights, model: other });
  await expect(startingModel(settings, null, () => {})).rejects.toMatchObject({
    code: "checkpoint_model_contradicted",
  });
});

test("a run that is gone on with knows its model without its first weights", async () => {
  for (const given of [{ model }, {}]) {
    const settings = settingsOf({ initialCheckpoint: join(folder, "gone.safetensors"), ...given });
    expect((await startingModel(settings, { model: own }, () => {})).config).toEqual(own);
  }
});

test("pairs are normalised as the model says", async () => {
  const settings = settingsOf({ dataWorkers: 0 });
  const imagesOf = async (config: ModelConfig) => {
    const data = await openTrainingData(await openRelease(release), settings, config);
    for await (const { images } of data.batches(0, null)) return images;
    throw new Error("no batch");
  };
  const [usual, ours] = [await imagesOf(named), await imagesOf(own)];
  const worst = usual.reduce((most, value, i) => {
    const pixel = value * clipDeviation[i % 3]! + clipMean[i % 3]!;
    return Math.max(most, Math.abs((pixel - 0.5) / 0.25 - ours[i]!));
  }, 0);
  expect(worst).toBeLessThan(1e-4);
});

test("what open_clip is handed says the same of images", async () => {
  const settings = settingsOf({ initialCheckpoint: weights });
  await writeStartingModel(folder, await startingModel(settings, null, () => {}));
  const text = await readFile(join(folder, "open_clip_config.json"), "utf8");
  expect(JSON.parse(text)).toMatchObject({
    preprocess_cfg: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], resize_mode: "squash" },
  });
});
