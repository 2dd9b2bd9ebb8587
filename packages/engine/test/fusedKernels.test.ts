import * as tf from "@tensorflow/tfjs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sourcesOf } from "../../../infra/assembly/sources.mjs";
import { loadEngine } from "../src/index.js";
import type { Engine } from "../src/index.js";
import { kernelSourceHash } from "../src/wasm/kernelBytes.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 2 });
});
afterAll(() => engine.dispose());

const normal = (shape: number[], seed: number, mean = 0) => tf.randomNormal(shape, mean, 1, "float32", seed);

function run(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, number> = {},
): tf.Tensor[] {
  const out: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attrs);
  return Array.isArray(out) ? out : [out];
}

function expectClose(actual: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5): void {
  expect(actual.shape).toEqual(expected.shape);
  const scale = tf.max(tf.abs(expected)).dataSync()[0] ?? 1;
  const worst = tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0] ?? NaN;
  expect(worst / Math.max(scale, 1e-3)).toBeLessThan(tolerance);
}

it("the compiled kernels are those of assembly/*.as (else run infra/assembly/build.mjs)", () => {
  expect(sourcesOf(join(import.meta.dirname, "../assembly")).hash).toBe(kernelSourceHash);
});

describe("functions of one number equal JavaScript's", () => {
  const xs = [-200, -88, -10, -3.3, -1, -1e-4, -0, 0, 1e-6, 0.3, 1, 2.5, 7, 20, 88, 200];
  const gelu = (x: number) => x * (0.5 + 0.5 * erf(x / Math.SQRT2));
  it.each<[string, (x: number) => number]>([
    ["Exp", Math.exp],
    ["Sigmoid", (x) => 1 / (1 + Math.exp(-x))],
    ["Tanh", Math.tanh],
    ["Erf", erf],
    ["PairloomGelu", gelu],
    ["PairloomQuickGelu", (x) => x / (1 + Math.exp(-1.702 * x))],
    ["PairloomTanhGelu", (x) => (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))],
  ])("%s", (name, expected) => {
    const values = run(name, { x: tf.tensor1d(xs) })[0]?.dataSync() ?? [];
    xs.forEach((x, i) => {
      const want = Math.fround(expected(x));
      if (Number.isFinite(want))
        expect(Math.abs((values[i] ?? NaN) - want)).toBeLessThan(2e-6 * Math.max(1, Math.abs(want)));
      else expect(values[i]).toBe(want);
    });
  });

  it.each(["Gelu", "QuickGelu", "TanhGelu"])("%s's gradient equals its finite difference", (name) => {
    const points = [-4, -1.5, -0.7, -0.01, 0, 0.4, 1.1, 3, 5];
    const step = 1e-2;
    const at = (shift: number) => run(`Pairloom${name}`, { x: tf.tensor1d(points.map((p) => p + shift)) })[0];
    const slope = tf.div(tf.sub(at(step) as tf.Tensor, at(-step) as tf.Tensor), 2 * step);
    const gradient = run(`Pairloom${name}Gradient`, { x: tf.tensor1d(points), dy: tf.ones([points.length]) });
    expectClose(gradient[0] as tf.Tensor, slope, 1e-3);
  });

  it("NaN stays NaN", () => {
    expect(tf.exp(tf.tensor1d([NaN])).dataSync()[0]).toBeNaN();
  });
});

it.each([
  [5, 3],
  [70, 64],
  [9, 130],
])("softmax of %i rows of %i, and its rows' sums", (rows, columns) => {
  const x = tf.mul(normal([rows, columns], 1), 30);
  const y = tf.softmax(x);
  const shifted = tf.exp(tf.sub(x, tf.max(x, 1, true)));
  expectClose(y, tf.div(shifted, tf.sum(shifted, 1, true)));
});

it.each([
  [6, 5],
  [33, 64],
  [7, 21],
])("layer normalisation of %i rows of %i, forward and backward", (rows, columns) => {
  const x = normal([rows, columns], 2, 3);
  const [weight, bias, dy] = [normal([columns], 3), normal([columns], 4), normal([rows, columns], 5)];
  const epsilon = 1e-5;
  const formula = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => {
    const centred = tf.sub(x, tf.mean(x, 1, true));
    const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
    return tf.add(tf.mul(tf.div(centred, deviation), w), b);
  };
  const [y, hat, inverse] = run("PairloomLayerNorm", { x, weight, bias }, { epsilon }) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  expectClose(y, formula(x, weight, bias));
  const expected = tf.grads((x, w, b) => tf.sum(tf.mul(dy, formula(x, w, b))))([x, weight, bias]);
  const gradients = run("PairloomLayerNormGradient", { dy, normal: hat, inverse, weight });
  gradients.forEach((g, i) => expectClose(g, expected[i] as tf.Tensor, 2e-5));
});

it.each([0, 100])("batch normalisation of columns around %i, forward and backward", (mean) => {
  const [rows, columns] = [200, 37];
  const x = normal([rows, columns], 6, mean);
  const [weight, bias, dy] = [normal([columns], 7), normal([columns], 8), normal([rows, columns], 9)];
  const epsilon = 1e-5;
  const [m, variance] = run("PairloomColumnMoments", { x }) as [tf.Tensor, tf.Tensor];
  const moments = tf.moments(x, 0);
  expectClose(m, moments.mean);
  expectClose(variance, moments.variance, 1e-4);
  const formula = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => {
    const centred = tf.sub(x, tf.mean(x, 0));
    return tf.add(tf.mul(tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.square(centred), 0), epsilon))), w), b);
  };
  const statistics = { mean: m, variance };
  const y = run("PairloomBatchNorm", { x, weight, bias, ...statistics }, { epsilon })[0] as tf.Tensor;
  expectClose(y, formula(x, weight, bias), 1e-4);
  const expected = tf.grads((x, w, b) => tf.sum(tf.mul(dy, formula(x, w, b))))([x, weight, bias]);
  const gradients = run("PairloomBatchNormGradient", { dy, x, weight, ...statistics }, { epsilon });
  gradients.forEach((g, i) => expectClose(g, expected[i] as tf.Tensor, 1e-4));
});

it("results have the same bits with one thread and with three", async () => {
  const compute = (e: Engine) => {
    const x = normal([3, 31, 40, 40], 10) as tf.Tensor4D;
    const w = normal([3, 3, 40, 24], 11) as tf.Tensor4D;
    const gradients = tf.grads((x, w) =>
      tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same")).sum(),
    )([x, w]);
    const table = tf.reshape(x, [-1, 40]);
    const products = [
      tf.matMul(table, table, true, false),
      tf.matMul(x, x, false, true),
      tf.softmax(table),
      tf.sum(table, 0),
    ];
    const norm = e.ops.squaredNorm([table]).dataSync()[0];
    return [
      ...[...gradients, ...products].map((t) => Buffer.from(t.dataSync().slice().buffer).toString("base64")),
      norm,
    ];
  };
  const results: unknown[] = [];
  for (const threads of [1, 3]) {
    await engine.dispose();
    engine = await loadEngine("wasm", { threads });
    results.push(compute(engine));
  }
  expect(results[1]).toEqual(results[0]);
});

/** erf by its Maclaurin series; ±1 beyond. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; n < 120; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
