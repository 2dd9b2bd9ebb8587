import { readFileSync } from "node:fs";
import { checkStateDict, parseModelConfig, readParameters, readSafetensors } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resolveTrainSettings } from "../src/settings/trainSettings.js";
import { StepVariables } from "../src/step/stepVariables.js";
import { openTrainingStep } from "../src/step/trainingStep.js";

/** What open_clip on PyTorch made of three steps (packages/clip/test/fixtures/parity). */
interface ReferenceFacts {
  config: object;
  quick_gelu: boolean;
  batch: number;
  hyper: {
    lr: number;
    betas: [number, number];
    eps: number;
    weight_decay: number;
    grad_clip: number;
    steps: number;
  };
  fp64: { losses: number[]; grad_norms: number[] };
  fp32_vs_fp64: { step3: { max_rel: number } };
  zero_gradient_parameters: Record<string, number>;
}

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
});
afterAll(() => engine.dispose());

test.each([
  ["tiny_vit", 1],
  ["tiny_vit", 2],
  ["tiny_rn", 1],
])("%s in %i parts: three steps have open_clip's losses, norms and parameters", async (name, accumulate) => {
  const path = new URL(`../../clip/test/fixtures/parity/${name}`, import.meta.url).pathname;
  const facts = JSON.parse(readFileSync(`${path}.json`, "utf8")) as ReferenceFacts;
  const read = (part: string) => readSafetensors(readFileSync(`${path}.${part}.safetensors`));
  const { hyper, fp64 } = facts;
  const config = parseModelConfig({ ...facts.config, quick_gelu: facts.quick_gelu });
  const settings = resolveTrainSettings({
    ...{ data: "none", out: "none", steps: hyper.steps, batchSize: facts.batch, accumulate },
    ...{ lr: hyper.lr, beta1: hyper.betas[0], beta2: hyper.betas[1], eps: hyper.eps, textRate: 1 },
    ...{ weightDecay: hyper.weight_decay, gradClip: hyper.grad_clip, maxLogitScale: 100 },
  });
  const weights = checkStateDict(read("weights"), config);
  const variables = new StepVariables(config, weights, settings, { accumulates: accumulate > 1 });
  const step = openTrainingStep(engine, variables, settings);
  const reference = read("reference");
  const { data, shape } = reference.get("in.images")!;
  const images = tf.tidy(() =>
    tf
      .transpose(tf.tensor4d(data as Float32Array, shape as [number, number, number, number]), [0, 2, 3, 1])
      .dataSync<"float32">(),
  );
  const tokens = reference.get("in.tokens")!.data as Int32Array;
  for (let at = 1; at <= hyper.steps; at++) {
    const result = await step.run({ images, tokens }, at, hyper.lr);
    expect(Math.abs(result.loss / fp64.losses[at - 1]! - 1)).toBeLessThan(1e-4);
    expect(Math.abs(result.gradientNorm / fp64.grad_norms[at - 1]! - 1)).toBeLessThan(1e-4);
  }
  const after = read(`step${hyper.steps}`);
  const state = await readParameters(config, variables.parameters);
  const tolerance = Math.max(5e-5, 2 * facts.fp32_vs_fp64.step3.max_rel);
  for (const key of variables.trained.keys()) {
    if (`grad.${key}` in facts.zero_gradient_parameters) continue;
    const theirs = after.get(`step${hyper.steps}.${key}`)!.data as Float32Array;
    const largest = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = (state.get(key)!.data as Float32Array).reduce(
      (most, value, i) => Math.max(most, Math.abs(value - theirs[i]!)),
      0,
    );
    expect(worst / largest, key).toBeLessThan(tolerance);
  }
  step.dispose();
  variables.dispose();
});
