import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createParameters, disposeParameters, initialParameters, loadModelConfig } from "@pairloom/clip";
import { loadEngine, type Engine } from "@pairloom/engine";
import { createTokenizer } from "@pairloom/tokenizer";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeSmallRelease } from "../../training/test/smallRelease.js";
import { evaluationSize, evaluationSlice, openTrainingEvaluation, type SampleReport } from "../src/index.js";

let engine: Engine;
let folder: string;
let release: string;

beforeAll(async () => {
  engine = await loadEngine("wasm", {});
  ({ folder, release } = await makeSmallRelease());
  await writeFile(
    join(folder, "classes.txt"),
    "# colours\nred square\ngreen square\n\nblue square\nblack square\n",
  );
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

const settings = () => ({
  data: release,
  out: join(folder, "run"),
  seed: 3,
  batchSize: 8,
  steps: 100,
  evaluateEvery: null,
  evaluateData: null,
  zeroShotClasses: null,
});

/** Evaluates a model of random weights at some steps. */
async function evaluate(changes: object, steps: readonly number[]): Promise<Record<string, number>[]> {
  const open = openTrainingEvaluation({ ...settings(), ...changes }, createTokenizer(), () => undefined);
  const evaluation = await open;
  const config = await loadModelConfig(join(folder, "small.json"));
  const parameters = createParameters(config, initialParameters(config, 1));
  try {
    const numbers: Record<string, number>[] = [];
    for (const step of steps) numbers.push(await evaluation({ step, config, parameters }));
    return numbers;
  } finally {
    disposeParameters(parameters);
  }
}

describe("the slice", () => {
  it("is the same pairs each time, no two with the same caption, others for another seed", async () => {
    const keys = async (seed: number) =>
      (await evaluationSlice(release, { pairs: 6, seed })).map(({ key }) => key);
    const captions = (await evaluationSlice(release, { pairs: 100, seed: 1 })).map(({ text }) => text);
    expect(new Set(captions).size).toBe(captions.length);
    expect(captions).toHaveLength(12); // four colours on three grounds
    expect(await keys(1)).toEqual(await keys(1));
    expect(await keys(1)).not.toEqual(await keys(2));
  });
});

describe("the size", () => {
  const size = (every: number, classes = 0) =>
    evaluationSize({ every, batchSize: 64, classes, prompts: 6 }).pairs;
  it("costs at most two per cent of the steps between", () => {
    expect(size(100)).toBe(384); // 0.02 · 100 · 64 · 3
    expect(size(100, 10)).toBe(354);
    expect(size(1)).toBe(16);
    expect(size(Infinity)).toBe(512);
    expect(evaluationSize({ every: 100, batchSize: 64, classes: 1000, prompts: 6 }).promptsPerClass).toBe(
      "one",
    );
  });
});

describe("an evaluation during training", () => {
  it("gives open_clip's names, says that its pairs were trained on, and leaks no tensor", async () => {
    const before = tf.memory().numTensors;
    const [numbers, again] = await evaluate({ zeroShotClasses: join(folder, "classes.txt") }, [5, 10]);
    expect(tf.memory().numTensors).toBe(before);
    expect(Object.keys(numbers!).sort()).toEqual(
      [
        ...["image_to_text", "text_to_image"].flatMap((way) => [1, 5, 10].map((k) => `seen_${way}_R@${k}`)),
        "seen_num_samples",
        "seen_zeroshot-val-top1",
        "seconds",
      ].sort(),
    );
    expect(numbers!["seen_num_samples"]).toBe(12);
    expect({ ...again, seconds: 0 }).toEqual({ ...numbers, seconds: 0 });
  });

  it("leaves pictures with the captions found for them, and only the newest twenty reports", async () => {
    const steps = Array.from({ length: 22 }, (_, i) => i + 1);
    await evaluate({ out: join(folder, "many"), evaluateData: release }, steps);
    const samples = join(folder, "many", "samples");
    const reports = (await readdir(samples)).filter((name) => name.endsWith(".json")).sort();
    expect(reports).toHaveLength(20);
    expect(reports[0]).toBe("step-000003.json");
    const report = JSON.parse(await readFile(join(samples, reports[0]!), "utf8")) as SampleReport;
    expect(report).toMatchObject({ step: 3, heldOut: true, captions: 12 });
    expect(report.pictures).toHaveLength(6);
    const [first] = report.pictures;
    expect(first!.found).toHaveLength(3);
    expect(first!.found[0]!.score).toBeGreaterThanOrEqual(first!.found[1]!.score);
    const jpeg = await readFile(join(samples, first!.file));
    expect([...jpeg.subarray(0, 2)]).toEqual([0xff, 0xd8]);
  });

  it("names what is wrong with its inputs before a step is done", async () => {
    await writeFile(join(folder, "one.txt"), "red\n");
    await expect(evaluate({ zeroShotClasses: join(folder, "none.txt") }, [])).rejects.toMatchObject({
      code: "classes_missing",
    });
    await expect(evaluate({ zeroShotClasses: join(folder, "one.txt") }, [])).rejects.toMatchObject({
      code: "classes_too_few",
    });
    await expect(evaluate({ evaluateData: join(folder, "nowhere") }, [])).rejects.toThrow();
  });
});
