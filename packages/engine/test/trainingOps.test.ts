import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { loadEngine, portableOps } from "../src/index.js";
import type { Engine } from "../src/index.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 2 });
});
afterAll(() => engine.dispose());

const settings = { learningRate: 0.01, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2 };

it("AdamW in place follows the portable one over ten steps, at any length", () => {
  for (const size of [1, 3, 16, 70_003]) {
    const start = tf.randomNormal([size], 0, 1, "float32", 1);
    const sets = [engine.ops, portableOps].map((ops) => ({
      ops,
      p: tf.variable(start),
      m: tf.variable(tf.zeros([size])),
      v: tf.variable(tf.zeros([size])),
    }));
    for (let step = 1; step <= 10; step++) {
      const gradient = tf.randomNormal([size], 0, 1, "float32", step);
      for (const { ops, p, m, v } of sets)
        ops.adamwStep(p, m, v, gradient, { ...settings, step, gradientScale: 0.5 });
    }
    const [a, b] = sets.map(({ p }) => p) as [tf.Variable, tf.Variable];
    expect(tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]).toBeLessThan(2e-6);
    expect(tf.min(tf.abs(tf.sub(a, start))).dataSync()[0]).toBeGreaterThan(0);
  }
});

it("AdamW follows its formula on a hand-computed number", () => {
  const p = tf.variable(tf.tensor1d([2]));
  const [m, v] = [tf.variable(tf.tensor1d([0])), tf.variable(tf.tensor1d([0]))];
  engine.ops.adamwStep(p, m, v, tf.tensor1d([3]), { ...settings, step: 1 });
  // m/(1−β₁) = 3, √(v/(1−β₂)) = 3: one step of size lr after the decay
  expect(p.dataSync()[0]).toBeCloseTo(2 * (1 - 0.01 * 0.2) - 0.01, 6);
});

it("AdamW leaves a clone of the parameter as it was", () => {
  const p = tf.variable(tf.ones([5]));
  const [m, v] = [tf.variable(tf.zeros([5])), tf.variable(tf.zeros([5]))];
  const before = tf.clone(p);
  engine.ops.adamwStep(p, m, v, tf.ones([5]), { ...settings, step: 1 });
  expect(Array.from(before.dataSync())).toEqual([1, 1, 1, 1, 1]);
  expect(p.dataSync()[0]).toBeLessThan(1);
});

it("the squared norm adds up all numbers of all tensors", () => {
  const tensors = [tf.fill([10_001], 2), tf.tensor1d([3]), tf.zeros([4])];
  expect(engine.ops.squaredNorm(tensors)).toBeCloseTo(40_004 + 9, 6);
  expect(portableOps.squaredNorm(tensors)).toBeCloseTo(40_004 + 9, 1);
});

it("a matMul sees what AdamW wrote into its weights", () => {
  const w = tf.variable(tf.ones([4, 4]));
  const [m, v] = [tf.variable(tf.zeros([4, 4])), tf.variable(tf.zeros([4, 4]))];
  const x = tf.ones<tf.Rank.R2>([1, 4]);
  const first = tf.matMul(x, w as unknown as tf.Tensor2D).dataSync()[0];
  engine.ops.adamwStep(w, m, v, tf.ones([4, 4]), { ...settings, learningRate: 0.5, step: 1 });
  expect(tf.matMul(x, w as unknown as tf.Tensor2D).dataSync()[0]).toBeLessThan(first ?? 0);
});
