import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import {
  checkStateDict,
  clipLogits,
  createParameters,
  disposeParameters,
  encodeImage,
  encodeText,
  type HostTensor,
  lossAndGradients,
  normalizeFeatures,
  parseModelConfig,
  readParameters,
  readSafetensors,
  stateShapes,
  toHostTensor,
} from "@pairloom/clip";
import { tensorflowSuite } from "./tensorflowSuite.js";

/** As in packages/clip/test/parity.test.ts, whose fixtures these are. */
interface ReferenceFacts {
  config: object;
  quick_gelu: boolean;
  hyper: {
    steps: number;
    lr: number;
    betas: [number, number];
    eps: number;
    weight_decay: number;
    grad_clip: number;
    logit_scale_max: number;
  };
  fp64: { losses: number[]; grad_norms: number[] };
  fp32_vs_fp64: Record<"grad" | "step3", { max_rel: number }>;
  zero_gradient_parameters: Record<string, number>;
}

const fixtures = join(import.meta.dirname, "../../packages/clip/test/fixtures/parity");
const suite = tensorflowSuite(true);

/** Largest difference over the largest reference value. */
function relative(ours: ArrayLike<number>, { data }: HostTensor): number {
  const theirs = data as Float32Array;
  expect(ours.length).toBe(theirs.length);
  let [difference, largest] = [0, 0];
  theirs.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(ours[i]! - value));
    largest = Math.max(largest, Math.abs(value));
  });
  return difference / largest;
}

/** The reference's optimizer by the engine's own operations. Returns the norm before clipping. */
async function update(
  parameters: ReadonlyMap<string, tf.Variable>,
  moments: Map<string, [tf.Variable, tf.Variable]>,
  pass: ReturnType<typeof lossAndGradients>,
  { lr, betas, eps, weight_decay, grad_clip, logit_scale_max }: ReferenceFacts["hyper"],
  step: number,
): Promise<number> {
  const squares = suite.engine.ops.squaredNorm([...pass.gradients.values()]);
  const norm = Math.sqrt((await squares.data())[0]!);
  const corrections = [1 / (1 - betas[0] ** step), 1 / Math.sqrt(1 - betas[1] ** step)];
  const rates = tf.tensor1d([Math.min(1, grad_clip / (norm + 1e-6)), lr, ...corrections, 1]);
  for (const [key, gradient] of pass.gradients) {
    const parameter = parameters.get(key)!;
    const zeros = () => tf.tidy(() => tf.variable(tf.zeros(parameter.shape)));
    if (!moments.has(key)) moments.set(key, [zeros(), zeros()]);
    suite.engine.ops.adamwStep(parameter, ...moments.get(key)!, gradient, rates, {
      ...{ rateScale: 1, beta1: betas[0], beta2: betas[1], epsilon: eps },
      weightDecay: parameter.rank > 1 ? weight_decay : 0,
    });
  }
  tf.dispose([squares, rates]);
  const scale = parameters.get("logit_scale")!;
  tf.tidy(() => {
    scale.assign(tf.clipByValue(scale, 0, logit_scale_max));
  });
  for (const [key, statistic] of pass.batchStatistics) parameters.get(key)!.assign(statistic);
  return norm;
}

describe.each(["tiny_vit", "tiny_rn"])("%s on tensorflow agrees with open_clip on PyTorch", (name) => {
  const facts = JSON.parse(readFileSync(join(fixtures, `${name}.json`), "utf8")) as ReferenceFacts;
  const read = (part: string) => readSafetensors(readFileSync(join(fixtures, `${name}.${part}.safetensors`)));
  const reference = read("reference");
  const config = parseModelConfig({ ...facts.config, quick_gelu: facts.quick_gelu });
  const near = async (ours: tf.Tensor, key: string, tolerance: number) => {
    expect(relative((await ours.data()) as Float32Array, reference.get(key)!), key).toBeLessThan(tolerance);
  };

  it("in features, logits, every gradient and three AdamW steps", async () => {
    const parameters = createParameters(config, checkStateDict(read("weights"), config));
    const pixels = reference.get("in.images")!;
    const turned = tf.tensor4d(pixels.data as Float32Array, pixels.shape as [number, number, number, number]);
    const images: tf.Tensor4D = tf.transpose(turned, [0, 2, 3, 1]);
    const ids = reference.get("in.tokens")!;
    const tokens = tf.tensor2d(ids.data as Int32Array, ids.shape as [number, number], "int32");

    const image = encodeImage(parameters, config, images).features;
    const text = encodeText(parameters, config, tokens);
    await near(image, "eval.image_features_raw", 1e-5);
    await near(text, "eval.text_features_raw", 1e-5);
    const scale = tf.exp(parameters.get("logit_scale")!);
    const logits = clipLogits(normalizeFeatures(image), normalizeFeatures(text), scale);
    await near(logits, "eval.logits_per_image", 1e-5);

    const shapes = stateShapes(config);
    const moments = new Map<string, [tf.Variable, tf.Variable]>();
    const allowed = Math.max(1e-4, 2 * facts.fp32_vs_fp64.grad.max_rel);
    for (let step = 0; step < facts.hyper.steps; step++) {
      const pass = lossAndGradients(parameters, config, images, tokens);
      expect(Math.abs((await pass.loss.data())[0]! / facts.fp64.losses[step]! - 1)).toBeLessThan(1e-4);
      for (const [key, gradient] of step === 0 ? pass.gradients : []) {
        const ours = toHostTensor(shapes.get(key)!, (await gradient.data()) as Float32Array)
          .data as Float32Array;
        if (`grad.${key}` in facts.zero_gradient_parameters)
          expect(Math.max(...ours.map(Math.abs)), key).toBeLessThan(1e-6);
        else
          expect(relative(ours, reference.get(`grad.${key}`)!), `gradient of ${key}`).toBeLessThan(allowed);
      }
      const norm = await update(parameters, moments, pass, facts.hyper, step + 1);
      expect(Math.abs(norm / facts.fp64.grad_norms[step]! - 1)).toBeLessThan(step === 0 ? 1e-5 : 1e-4);
      tf.dispose([pass.loss, ...pass.gradients.values(), ...pass.batchStatistics.values()]);
    }
    // the reference took its loss after the last step in training mode: one more update of the running statistics
    const { batchStatistics } = encodeImage(parameters, config, images, { training: true });
    for (const [key, statistic] of batchStatistics) parameters.get(key)!.assign(statistic);
    const after = read(`step${facts.hyper.steps}`);
    for (const [key, { data }] of await readParameters(config, parameters)) {
      const theirs = after.get(`step${facts.hyper.steps}.${key}`);
      if (theirs === undefined || `grad.${key}` in facts.zero_gradient_parameters) continue;
      const allowed = Math.max(5e-5, 2 * facts.fp32_vs_fp64.step3.max_rel);
      expect(relative(data as Float32Array, theirs), `${key} after the steps`).toBeLessThan(allowed);
    }
    disposeParameters(parameters);
  });
});
