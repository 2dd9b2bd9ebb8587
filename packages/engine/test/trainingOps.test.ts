import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadEngine, portableOps } from "../src/index.js";
import type { AdamwSettings, Engine, TrainingOps } from "../src/index.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 2 });
});
afterAll(() => engine.dispose());

const settings: AdamwSettings = {
  rateScale: 0.5,
  beta1: 0.9,
  beta2: 0.98,
  epsilon: 1e-6,
  weightDecay: 0.2,
};
const clip = 0.5;

/** What `adamwStep` takes of a step: [gradient's factor, lr, 1/(1−β₁ᵗ), 1/√(1−β₂ᵗ), go]. */
const ratesOf = (step: number, { lr = 0.01, scale = clip, go = 1 } = {}) =>
  tf.tensor1d([scale, lr, 1 / (1 - 0.9 ** step), 1 / Math.sqrt(1 - 0.98 ** step), go]);

const variables = (start: tf.Tensor) => ({
  p: tf.variable(start),
  m: tf.variable(tf.zeros(start.shape)),
  v: tf.variable(tf.zeros(start.shape)),
});

const gap = (a: tf.Tensor, b: ArrayLike<number>) =>
  a.dataSync<"float32">().reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

/** torch.optim.AdamW's single-tensor step, in float64. */
function pytorchStep(
  state: Record<"p" | "m" | "v", Float64Array>,
  gradient: ArrayLike<number>,
  step: number,
  lr: number,
): void {
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const { p, m, v } = state;
  for (let i = 0; i < p.length; i++) {
    p[i]! *= 1 - lr * weightDecay;
    m[i] = m[i]! + (gradient[i]! - m[i]!) * (1 - beta1);
    v[i] = v[i]! * beta2 + gradient[i]! ** 2 * (1 - beta2);
    const denominator = Math.sqrt(v[i]!) / Math.sqrt(1 - beta2 ** step) + epsilon;
    p[i]! -= ((lr / (1 - beta1 ** step)) * m[i]!) / denominator;
  }
}

const everyWay: [string, () => TrainingOps][] = [
  ["wasm", () => engine.ops],
  ["portable", () => portableOps],
];

describe.each(everyWay)("AdamW, %s", (_, opsOf) => {
  it.each([1, 3, 16, 70_003])("is PyTorch's over ten steps, %i numbers long", (size) => {
    const start = tf.randomNormal([size], 0, 1, "float32", 1);
    const { p, m, v } = variables(start);
    const expected = {
      p: Float64Array.from(start.dataSync()),
      m: new Float64Array(size),
      v: new Float64Array(size),
    };
    for (let step = 1; step <= 10; step++) {
      const gradient = tf.randomNormal([size], 0, 1, "float32", step);
      opsOf().adamwStep(p, m, v, gradient, ratesOf(step), settings);
      const clipped = gradient.dataSync<"float32">().map((g) => g * clip);
      pytorchStep(expected, clipped, step, 0.01 * settings.rateScale);
    }
    expect(gap(p, expected.p)).toBeLessThan(2e-6);
    expect(gap(m, expected.m)).toBeLessThan(1e-6);
    expect(gap(v, expected.v)).toBeLessThan(1e-6);
    expect(gap(p, start.dataSync())).toBeGreaterThan(0.001);
  });

  it("takes a hand-computed step", () => {
    const { p, m, v } = variables(tf.tensor1d([2]));
    opsOf().adamwStep(p, m, v, tf.tensor1d([3]), ratesOf(1), settings);
    // m/(1−β₁) = √(v/(1−β₂)) = 1.5: one step of size lr·rateScale after the decay
    expect(p.dataSync()[0]).toBeCloseTo(2 * (1 - 0.005 * 0.2) - 0.005, 6);
  });

  it("changes not one bit where go is 0, even with gradients and a factor that are NaN", () => {
    const start = tf.randomNormal([33], 0, 1, "float32", 2);
    const { p, m, v } = variables(start);
    opsOf().adamwStep(p, m, v, tf.ones([33]), ratesOf(1), settings);
    const before = [p, m, v].map((variable) => Array.from(variable.dataSync()));
    for (const scale of [clip, NaN])
      opsOf().adamwStep(p, m, v, tf.fill([33], NaN), ratesOf(2, { go: 0, scale }), settings);
    expect([p, m, v].map((variable) => Array.from(variable.dataSync()))).toEqual(before);
  });

  it("leaks no tensor, and the gradient and the rates stay the caller's", () => {
    const { p, m, v } = variables(tf.ones([5]));
    const [gradient, rates] = [tf.ones([5]), ratesOf(1)];
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) opsOf().adamwStep(p, m, v, gradient, rates, settings);
    expect(tf.memory().numTensors).toBe(before);
    expect(gradient.isDisposed || rates.isDisposed).toBe(false);
  });

  it("leaves a clone of the parameter as it was", () => {
    const { p, m, v } = variables(tf.ones([5]));
    const before = tf.clone(p);
    opsOf().adamwStep(p, m, v, tf.ones([5]), ratesOf(1), settings);
    expect(Array.from(before.dataSync())).toEqual([1, 1, 1, 1, 1]);
    expect(p.dataSync()[0]).toBeLessThan(1);
  });

  it("is seen by a matMul with the weights that it wrote", () => {
    const { p, m, v } = variables(tf.ones([4, 4]));
    const x = tf.ones<tf.Rank.R2>([1, 4]);
    const product = () => tf.matMul(x, p as unknown as tf.Tensor2D).dataSync()[0]!;
    const first = product();
    opsOf().adamwStep(p, m, v, tf.ones([4, 4]), ratesOf(1, { lr: 0.5 }), settings);
    expect(product()).toBeLessThan(first);
  });
});

it.each(everyWay)("the squared norm adds up all numbers of all tensors, %s", (_, opsOf) => {
  const tensors = [tf.fill([10_001], 2), tf.tensor1d([3]), tf.zeros([4])];
  expect(opsOf().squaredNorm(tensors).dataSync()[0]! / 40_013).toBeCloseTo(1, 6);
  expect(opsOf().squaredNorm([]).dataSync()[0]).toBe(0);
});

it("a gradient of another size than its parameter is refused, on wasm", () => {
  const { p, m, v } = variables(tf.ones([5]));
  expect(() => engine.ops.adamwStep(p, m, v, tf.ones([4]), ratesOf(1), settings)).toThrow("one size");
});
