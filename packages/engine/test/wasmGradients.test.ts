import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadEngine } from "../src/index.js";
import type { Engine } from "../src/index.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm");
});
afterAll(() => engine.dispose());

/** Runs one function on the plain JavaScript back end and on wasm, and compares every number. */
async function expectSame(run: () => tf.Tensor[], tolerance = 1e-4): Promise<void> {
  const results: number[][][] = [];
  for (const backend of ["cpu", "wasm"]) {
    expect(await tf.setBackend(backend)).toBe(true);
    const before = tf.memory().numTensors;
    const out = tf.tidy(run);
    results.push(out.map((t) => Array.from(t.dataSync())));
    tf.dispose(out);
    expect(tf.memory().numTensors).toBe(before);
  }
  const [cpu, wasm] = results as [number[][], number[][]];
  expect(wasm.length).toBe(cpu.length);
  cpu.forEach((values, i) => {
    const scale = values.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
    const worst = values.reduce((m, v, j) => Math.max(m, Math.abs(v - (wasm[i]?.[j] ?? NaN))), 0);
    expect(worst / scale, `output ${String(i)}`).toBeLessThan(tolerance);
  });
}

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, "float32", seed);

describe("gradients on wasm equal those of the plain JavaScript back end", () => {
  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])("of matMul with transposes %s, %s", async (ta, tb) => {
    await expectSame(() => {
      const a = normal(ta ? [2, 3, 17, 9] : [2, 3, 9, 17], 1);
      const b = normal(tb ? [2, 3, 13, 17] : [2, 3, 17, 13], 2);
      return tf.grads((a, b) => tf.square(tf.matMul(a, b, ta, tb)).sum())([a, b]);
    });
  });

  it("of gather, with repeated ids", async () => {
    await expectSame(() => {
      const ids = tf.tensor1d([3, 1, 3, 0, 6, 3], "int32");
      return [tf.grad((t: tf.Tensor) => tf.square(tf.gather(t, ids)).sum())(normal([7, 5], 3))];
    });
  });

  it.each([
    [3, 1, "same"],
    [3, 2, "same"],
    [3, 2, 1],
    [1, 1, "valid"],
    [4, 4, "valid"],
    [7, 2, 3],
  ] as const)("of a %s×%s convolution with padding %s", async (size, stride, pad) => {
    await expectSame(() => {
      const x = normal([2, 12, 12, 3], 4);
      const w = normal([size, size, 3, 5], 5);
      return tf.grads((x, w) => tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad)).sum())([
        x,
        w,
      ]);
    });
  });

  it("of average and max pooling", async () => {
    await expectSame(() => {
      const x = normal([2, 8, 8, 3], 6) as tf.Tensor4D;
      return [
        tf.grad((x: tf.Tensor) => tf.square(tf.avgPool(x as tf.Tensor4D, 2, 2, "valid")).sum())(x),
        tf.grad((x: tf.Tensor) => tf.square(tf.maxPool(x as tf.Tensor4D, 2, 2, "valid")).sum())(x),
      ];
    });
  });
});
