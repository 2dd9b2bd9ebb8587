import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Engine, loadEngine, portableOps } from "@pairloom/engine";
import { webgpuReason } from "./vulkanDriver.js";

let reason: string | null = null;
let engine: Engine;
beforeAll(async () => {
  reason = webgpuReason();
  if (reason !== null) console.warn(`skipped: the webgpu engine: ${reason}`);
  else engine = await loadEngine("webgpu");
});
afterAll(() => (reason === null ? engine.dispose() : undefined));
beforeEach((context) => {
  if (reason !== null) context.skip(reason);
});

const normal = (shape: number[], seed: number, mean = 0) => tf.randomNormal(shape, mean, 1, "float32", seed);
const valuesOf = (tensors: tf.Tensor[]) => Promise.all(tensors.map(async (t) => Array.from(await t.data())));

async function runOn(backend: "cpu" | "webgpu", run: () => tf.Tensor[]): Promise<number[][]> {
  expect(await tf.setBackend(backend)).toBe(true);
  const before = tf.memory().numTensors;
  const out = tf.tidy(run);
  const values = await valuesOf(out);
  tf.dispose(out);
  expect(tf.memory().numTensors).toBe(before);
  return values;
}

/** Compares every number, relative to the largest of its tensor. */
function expectClose(actual: number[][], expected: number[][], tolerance = 1e-5): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((wanted, i) => {
    const scale = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
    const worst = wanted.reduce(
      (most, value, j) => Math.max(most, Math.abs(value - (actual[i]?.[j] ?? NaN))),
      0,
    );
    expect(actual[i]?.length).toBe(wanted.length);
    expect(worst / scale, `output ${i}`).toBeLessThan(tolerance);
  });
}

/** Runs one function on the plain JavaScript back end and twice on webgpu: equal there, and the same bits here. */
async function expectSame(run: () => tf.Tensor[], tolerance?: number): Promise<void> {
  const expected = await runOn("cpu", run);
  const [first, again] = [await runOn("webgpu", run), await runOn("webgpu", run)];
  expectClose(first, expected, tolerance);
  expect(again).toEqual(first);
}

function kernel(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, number> = {},
): tf.Tensor[] {
  const out: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attrs);
  return Array.isArray(out) ? out : [out];
}

describe("on webgpu as on the plain JavaScript back end", () => {
  it.each([
    [7, 5, 3],
    [64, 40, 30],
    [4096, 70, 9],
    [2053, 33, 1],
  ])("aᵀ·b with %i rows, [%i, %i]", async (inner, high, wide) => {
    await expectSame(() => [tf.matMul(normal([inner, high], 1), normal([inner, wide], 2), true, false)]);
  });

  it("the gradient of gather adds up rows that were taken more than once", async () => {
    const ids = Array.from({ length: 90 }, (_, i) => (i * 7) % 13);
    await expectSame(() => {
      const taken = tf.tensor1d([...ids, 3, 3, 3], "int32");
      return [tf.grad((t: tf.Tensor) => tf.square(tf.gather(t, taken)).sum())(normal([17, 5], 3))];
    });
  });

  it("rows scattered to one place add up, and what no row goes to is zero", async () => {
    await expectSame(() => [
      tf.scatterND(tf.tensor2d([[4], [1], [4], [0], [4]], [5, 1], "int32"), normal([5, 6], 4), [7, 6]),
    ]);
  });

  it.each([
    [1, 3, 5],
    [700, 37, 1],
    [3, 50, 64],
  ])("sum and mean over leading axes of [%i, %i, %i]", async (...shape) => {
    await expectSame(() => {
      const x = normal(shape, 5, 1);
      return [
        tf.sum(x, 0),
        tf.mean(x, [0, 1]),
        tf.sum(x, 0, true),
        tf.sum(x, 1),
        tf.mean(x),
        tf.sum(x, [0, 2]),
      ];
    });
  });

  it.each([
    [3, 1, "same", 3, 5],
    [3, 2, "same", 3, 5],
    [3, 1, "same", 20, 36],
    [1, 1, "valid", 3, 5],
    [4, 4, "valid", 4, 8],
    [7, 2, 3, 3, 5],
  ] as const)(
    "gradients of a convolution of side %i, stride %i, padding %s, %i to %i channels",
    async (...shape) => {
      const [side, stride, pad, inputs, outputs] = shape;
      await expectSame(() => {
        const x = normal([2, 12, 12, inputs], 6);
        const w = normal([side, side, inputs, outputs], 7);
        const loss = (x: tf.Tensor, w: tf.Tensor) =>
          tf.square(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad)).sum();
        return tf.grads(loss)([x, w]);
      });
    },
  );

  it("the gradient of average pooling", async () => {
    await expectSame(() => [
      tf.grad((x: tf.Tensor) => tf.square(tf.avgPool(x as tf.Tensor4D, 2, 2, "valid")).sum())(
        normal([2, 8, 8, 3], 8),
      ),
    ]);
  });
});

describe("fused kernels equal the operations they stand for", () => {
  it.each(["QuickGelu", "Gelu", "TanhGelu"])("%s and its gradient", async (name) => {
    const xs = [-200, -88, -10, -3.3, -1, -1e-4, 0, 1e-6, 0.3, 1, 2.5, 7, 20, 88, 200];
    const formula: Record<string, (x: tf.Tensor) => tf.Tensor> = {
      QuickGelu: (x) => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702))),
      Gelu: (x) => tf.mul(x, tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5)),
      TanhGelu: (x) =>
        tf.mul(
          tf.mul(x, 0.5),
          tf.add(tf.tanh(tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI))), 1),
        ),
    };
    // once with a count that four divide, once with one that they don't
    for (const values of [xs, xs.slice(3)]) {
      const expected = await runOn("cpu", () => {
        const x = tf.tensor1d(values);
        return [formula[name]!(x), tf.grad((t) => formula[name]!(t))(x)];
      });
      const actual = await runOn("webgpu", () => {
        const x = tf.tensor1d(values);
        return [
          ...kernel(`Pairloom${name}`, { x }),
          ...kernel(`Pairloom${name}Gradient`, { x, dy: tf.onesLike(x) }),
        ];
      });
      expected.flat().forEach((value, i) => {
        expect(Math.abs(value - actual.flat()[i]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
      });
    }
  });

  it.each([
    [6, 5],
    [33, 64],
    [300, 21],
    [2, 130],
  ])("layer normalisation of %i rows of %i, forward and backward", async (rows, columns) => {
    const epsilon = 1e-5;
    const inputs = () => [normal([rows, columns], 1, 3), normal([columns], 2), normal([columns], 3)];
    const dy = () => normal([rows, columns], 4);
    const formula = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => {
      const centred = tf.sub(x, tf.mean(x, 1, true));
      const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
      return tf.add(tf.mul(tf.div(centred, deviation), w), b);
    };
    const expected = await runOn("cpu", () => {
      const [x, w, b] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
      return [formula(x, w, b), ...tf.grads((x, w, b) => tf.sum(tf.mul(dy(), formula(x, w, b))))([x, w, b])];
    });
    const actual = await runOn("webgpu", () => {
      const [x, weight, bias] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
      const [y, hat, inverse] = kernel("PairloomLayerNorm", { x, weight, bias }, { epsilon });
      expect(inverse!.shape).toEqual([rows, 1]);
      return [
        y!,
        ...kernel("PairloomLayerNormGradient", { dy: dy(), normal: hat!, inverse: inverse!, weight }),
      ];
    });
    expectClose(actual, expected, 2e-5);
  });

  it.each([0, 100])("batch normalisation of columns around %i, forward and backward", async (mean) => {
    const [rows, columns] = [600, 37];
    const epsilon = 1e-5;
    const inputs = () => [normal([rows, columns], 1, mean), normal([columns], 2), normal([columns], 3)];
    const dy = () => normal([rows, columns], 4);
    const formula = (x: tf.Tensor, w: tf.Tensor, b: tf.Tensor) => {
      const centred = tf.sub(x, tf.mean(x, 0));
      const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred), 0), epsilon));
      return tf.add(tf.mul(tf.div(centred, deviation), w), b);
    };
    const expected = await runOn("cpu", () => {
      const [x, w, b] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
      const moments = tf.moments(x, 0);
      return [
        ...[moments.mean, moments.variance, formula(x, w, b)],
        ...tf.grads((x, w, b) => tf.sum(tf.mul(dy(), formula(x, w, b))))([x, w, b]),
      ];
    });
    const actual = await runOn("webgpu", () => {
      const [x, weight, bias] = inputs() as [tf.Tensor, tf.Tensor, tf.Tensor];
      const [mean, variance] = kernel("PairloomColumnMoments", { x }) as [tf.Tensor, tf.Tensor];
      const kept = { x, weight, mean, variance };
      return [
        ...[mean, variance, ...kernel("PairloomBatchNorm", { ...kept, bias }, { epsilon })],
        ...kernel("PairloomBatchNormGradient", { dy: dy(), ...kept }, { epsilon }),
      ];
    });
    expectClose(actual, expected, 1e-4);
  });
});

describe("the training loop's operations", () => {
  it("AdamW follows the portable one over five steps, at any length", async () => {
    await tf.setBackend("webgpu");
    const settings = { rateScale: 0.5, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2 };
    for (const size of [1, 3, 16, 70_003]) {
      const start = normal([size], 1);
      const before = tf.memory().numTensors;
      const sets = [engine.ops, portableOps].map((ops) => ({
        ops,
        variables: [
          tf.variable(start),
          tf.variable(tf.zeros([size])),
          tf.variable(tf.zeros([size])),
        ] as const,
      }));
      for (let step = 1; step <= 5; step++) {
        // the fourth changes nothing, and what it is given is not a number
        const gradient = step === 4 ? tf.fill([size], NaN) : normal([size], step);
        const corrections = [1 / (1 - 0.9 ** step), 1 / Math.sqrt(1 - 0.98 ** step)];
        const rates = tf.tensor1d([0.5, 0.02, ...corrections, step === 4 ? 0 : 1]);
        for (const { ops, variables } of sets) ops.adamwStep(...variables, gradient, rates, settings);
        tf.dispose([gradient, rates]);
      }
      const [a, b] = (await valuesOf(sets.map(({ variables }) => variables[0]))) as [number[], number[]];
      expectClose([a], [b], 2e-6);
      expect(a).not.toEqual(Array.from(await start.data()));
      // each zeros([size]) above lives on beside its variable
      for (const { variables } of sets) tf.dispose([...variables]);
      expect(tf.memory().numTensors - before).toBe(4);
    }
  });

  it("the squared norm adds up all numbers of all tensors", async () => {
    await tf.setBackend("webgpu");
    const tensors = [tf.fill([10_001], 2), tf.tensor1d([3]), tf.zeros([4]), tf.zeros([0]), tf.scalar(2)];
    const sums = [engine.ops.squaredNorm(tensors), engine.ops.squaredNorm([])];
    expect(await valuesOf(sums)).toEqual([[40_004 + 9 + 4], [0]]);
  });
});

describe("what a GPU can't do", () => {
  it("is said where a tensor is read at once", async () => {
    await tf.setBackend("webgpu");
    const x = tf.add(normal([2000], 1), 1);
    expect(() => x.dataSync()).toThrow(/use `data\(\)`/);
    expect((await x.data()).length).toBe(2000);
  });

  it("a refused command fails the next read, and does not end as zeros", async () => {
    await engine.dispose();
    engine = await loadEngine("webgpu");
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const x = tf.add(tf.ones([2000]), 1);
    // a buffer can't be mapped for reading and for writing
    device.createBuffer({ size: 16, usage: 3 }).destroy();
    await expect(x.data()).rejects.toThrow(/The GPU refused a command/);
    await engine.dispose();
    engine = await loadEngine("webgpu");
  });

  it("what is too big for it is said with what to do", async () => {
    await engine.dispose();
    engine = await loadEngine("webgpu");
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const x = tf.add(tf.ones([2000]), 1);
    device.createBuffer({ size: 2 ** 45, usage: 8 }).destroy();
    await expect(x.data()).rejects.toMatchObject({
      code: "gpu_too_small",
      hint: expect.stringContaining("--batch-size") as string,
    });
    await engine.dispose();
    engine = await loadEngine("webgpu");
  });
});
