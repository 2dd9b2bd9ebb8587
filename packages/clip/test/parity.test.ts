import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkStateDict,
  clipLogits,
  clipLoss,
  createParameters,
  disposeParameters,
  encodeImage,
  encodeText,
  lossAndGradients,
  normalizeFeatures,
  parseModelConfig,
  readParameters,
  readSafetensors,
  stateShapes,
  toHostTensor,
  type HostTensor,
  type ModelConfig,
} from "../src/index.js";
import { registerFilterGradient } from "./filterGradientKernel.js";
import { ReferenceAdamW, type AdamWSettings } from "./referenceAdamW.js";

interface ReferenceFacts {
  config: unknown;
  quick_gelu: boolean;
  hyper: AdamWSettings & { steps: number };
  fp64: { "eval.loss": number; losses: number[]; grad_norms: number[] };
  /** How far PyTorch in float32 is from PyTorch in float64: what no other implementation can be held to. */
  fp32_vs_fp64: Record<"grad" | "step3", { max_rel: number }>;
  zero_gradient_parameters: Record<string, number>;
}

const fixtures = process.env["PAIRLOOM_PARITY"] ?? new URL("fixtures/parity", import.meta.url).pathname;
const names = (process.env["PAIRLOOM_PARITY_NAMES"] ?? "tiny_vit,tiny_rn").split(",");

/** Largest difference over the largest reference value. */
function relative(ours: ArrayLike<number>, reference: HostTensor): number {
  const theirs = reference.data as Float32Array;
  expect(ours.length).toBe(theirs.length);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < theirs.length; i++) {
    difference = Math.max(difference, Math.abs(ours[i]! - theirs[i]!));
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  return difference / largest;
}

describe.each(names)("%s agrees with open_clip on PyTorch", (name) => {
  const facts = JSON.parse(readFileSync(`${fixtures}/${name}.json`, "utf8")) as ReferenceFacts;
  const read = (part: string) => readSafetensors(readFileSync(`${fixtures}/${name}.${part}.safetensors`));
  const reference = read("reference");
  const weights = read("weights");
  const after = read(`step${facts.hyper.steps}`);
  let config: ModelConfig;
  let parameters: Map<string, tf.Variable>;
  let images: tf.Tensor4D;
  let tokens: tf.Tensor2D;

  beforeAll(async () => {
    await tf.setBackend("cpu");
    registerFilterGradient();
    config = parseModelConfig({ ...(facts.config as object), quick_gelu: facts.quick_gelu });
    parameters = createParameters(config, checkStateDict(weights, config));
    const pixels = reference.get("in.images")!;
    const turned = tf.tensor4d(pixels.data as Float32Array, pixels.shape as [number, number, number, number]);
    images = tf.transpose(turned, [0, 2, 3, 1]);
    const ids = reference.get("in.tokens")!;
    tokens = tf.tensor2d(ids.data as Int32Array, ids.shape as [number, number], "int32");
  });

  afterAll(() => disposeParameters(parameters));

  const near = (ours: tf.Tensor, key: string, tolerance: number) => {
    const error = relative(ours.dataSync(), reference.get(key)!);
    if (process.env["PAIRLOOM_SHOW"]) console.log(name, key, error);
    expect(error, key).toBeLessThan(tolerance);
  };

  test("features, logits and loss in inference", () => {
    tf.tidy(() => {
      const rawImage = encodeImage(parameters, config, images).features;
      const rawText = encodeText(parameters, config, tokens);
      near(rawImage, "eval.image_features_raw", 1e-5);
      near(rawText, "eval.text_features_raw", 1e-5);
      const image = normalizeFeatures(rawImage);
      const text = normalizeFeatures(rawText);
      near(image, "eval.image_features", 1e-5);
      near(text, "eval.text_features", 1e-5);
      const scale = tf.exp(parameters.get("logit_scale")!);
      near(clipLogits(image, text, scale), "eval.logits_per_image", 1e-5);
      const loss = clipLoss(image, text, scale).dataSync()[0]!;
      expect(Math.abs(loss / facts.fp64["eval.loss"] - 1)).toBeLessThan(1e-5);
    });
  });

  test("every gradient, then parameters and running statistics after three AdamW steps", async () => {
    const shapes = stateShapes(config);
    const optimizer = new ReferenceAdamW(facts.hyper);
    const worst = { gradient: 0, gradientAt: "", step: 0, stepAt: "" };
    for (let step = 0; step < facts.hyper.steps; step++) {
      const pass = lossAndGradients(parameters, config, images, tokens);
      expect(Math.abs(pass.loss.dataSync()[0]! / facts.fp64.losses[step]! - 1)).toBeLessThan(1e-4);
      if (step === 0) {
        near(pass.imageFeatures, "train.image_features", 1e-5);
        near(pass.textFeatures, "train.text_features", 1e-5);
        for (const [key, gradient] of pass.gradients) {
          const ours = toHostTensor(shapes.get(key)!, gradient.dataSync() as Float32Array);
          const theirs = reference.get(`grad.${key}`)!;
          if (`grad.${key}` in facts.zero_gradient_parameters) {
            expect(Math.max(...(ours.data as Float32Array).map(Math.abs)), key).toBeLessThan(1e-6);
            continue;
          }
          const error = relative(ours.data as Float32Array, theirs);
          if (error > worst.gradient) Object.assign(worst, { gradient: error, gradientAt: key });
          const tolerance = Math.max(1e-4, 2 * facts.fp32_vs_fp64.grad.max_rel);
          expect(error, `gradient of ${key}`).toBeLessThan(tolerance);
        }
        expect(pass.gradients.size).toBe(
          [...reference.keys()].filter((key) => key.startsWith("grad.")).length,
        );
      }
      const norm = optimizer.apply(parameters, pass);
      expect(Math.abs(norm / facts.fp64.grad_norms[step]! - 1)).toBeLessThan(1e-4);
      tf.dispose([pass.loss, pass.imageFeatures, pass.textFeatures]);
      tf.dispose([...pass.gradients.values(), ...pass.batchStatistics.values()]);
    }
    // the reference took its loss after the last step in training mode: one more update of the running statistics
    const { features, batchStatistics } = encodeImage(parameters, config, images, { training: true });
    for (const [key, statistic] of batchStatistics) parameters.get(key)!.assign(statistic);
    tf.dispose([features, ...batchStatistics.values()]);
    const state = await readParameters(config, parameters);
    for (const [key, tensor] of state) {
      const theirs = after.get(`step${facts.hyper.steps}.${key}`);
      if (theirs === undefined) {
        expect(key).toMatch(/num_batches_tracked$/);
        expect(tensor.data[0]).toBe(BigInt(facts.hyper.steps + 1) + BigInt(weights.get(key)!.data[0]!));
        continue;
      }
      if (`grad.${key}` in facts.zero_gradient_parameters) continue;
      const error = relative(tensor.data as Float32Array, theirs);
      if (error > worst.step) Object.assign(worst, { step: error, stepAt: key });
      expect(error, `${key} after the steps`).toBeLessThan(
        Math.max(5e-5, 2 * facts.fp32_vs_fp64.step3.max_rel),
      );
    }
    if (process.env["PAIRLOOM_SHOW"]) console.log(name, worst);
  }, 120_000);
});
