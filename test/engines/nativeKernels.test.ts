import * as tf from "@tensorflow/tfjs";
import { describe, expect, it } from "vitest";
import { batchNorm, columnMoments } from "../../packages/clip/src/ops/batchNorm.js";
import { gelu, tanhGelu } from "../../packages/clip/src/ops/gelu.js";
import { layerNorm } from "../../packages/clip/src/ops/layerNorm.js";
import { quickGelu } from "../../packages/clip/src/ops/quickGelu.js";
import { relu } from "../../packages/clip/src/ops/relu.js";
import { portableOps } from "../../packages/engine/src/ops/portableOps.js";
import { expectNear } from "./nearness.js";
import { tensorflowSuite } from "./tensorflowSuite.js";

const suite = tensorflowSuite(true);

const normal = (shape: number[], seed: number, mean = 0): tf.Tensor =>
  tf.randomNormal(shape, mean, 1, "float32", seed);
const sizes = [1, 17, 130, 4099];
const shapes = sizes.flatMap((rows) => sizes.map((columns) => [rows, columns] as const));
const modest = shapes.filter(([rows, columns]) => rows * columns <= 70_000);

/** A function of a matrix and of two rows as wide as it. */
type Columnwise = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) => tf.Tensor;
const columnwise: Record<string, Columnwise> = {
  "layer normalisation": layerNorm,
  "batch normalisation": (x, weight, bias) => batchNorm(x, weight, bias, columnMoments(x)),
  "batch normalisation with a rectifier": (x, weight, bias) =>
    batchNorm(x, weight, bias, columnMoments(x), { rectified: true }),
};
const elementwise: Record<string, (x: tf.Tensor) => tf.Tensor> = { quickGelu, gelu, tanhGelu, relu };

/** The value, then the gradients by each input of its product with dy. */
function valueAndGradients(
  run: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  dy: tf.Tensor,
): tf.Tensor[] {
  const slopes = tf.grads((...given: tf.Tensor[]) => tf.sum(tf.mul(run(...given), dy)));
  return [run(...inputs), ...slopes(inputs)];
}

/**
 * Runs on TensorFlow (its kernels registered) and on the plain JavaScript back end, which has none of them and so composes
 * the same function of TensorFlow.js's operations.
 */
async function onBoth(run: () => tf.Tensor[]): Promise<[ArrayLike<number>[], ArrayLike<number>[]]> {
  const results: ArrayLike<number>[][] = [];
  for (const backend of ["tensorflow", "cpu"]) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const out = tf.tidy(run);
    results.push(await Promise.all(out.map((one) => one.data())));
    tf.dispose(out);
    expect(tf.memory().numTensors).toBe(before);
  }
  return results as [ArrayLike<number>[], ArrayLike<number>[]];
}

describe.each(Object.keys(columnwise))("%s", (name) => {
  const run = columnwise[name]!;
  const inputsOf = (rows: number, columns: number, mean = 0) => [
    normal([rows, columns], 1, mean),
    normal([columns], 2),
    normal([columns], 3),
  ];

  it.each(modest)(
    "equals its composed form, forward and backward, on %i rows of %i",
    async (rows, columns) => {
      const [native, composed] = await onBoth(() =>
        valueAndGradients((x, w, b) => run(x, w, b), inputsOf(rows, columns), normal([rows, columns], 4)),
      );
      // a single row's spread is zero: what is left of its gradient is rounding, times 1/√ε
      const alone = name === "layer normalisation" ? columns === 1 : rows === 1;
      expectNear(native, composed, alone ? 1e-3 : 1e-5);
    },
  );

  it("keeps its digits where the mean is far from zero", async () => {
    const [native, composed] = await onBoth(() =>
      valueAndGradients((x, w, b) => run(x, w, b), inputsOf(130, 17, 100), normal([130, 17], 4)),
    );
    expectNear(native, composed, 1e-4);
  });

  it.each([NaN, Infinity, -Infinity])("lets %f through to its row or column", async (value) => {
    const [native, composed] = await onBoth(() => {
      const [x, w, b] = inputsOf(17, 5);
      const at = tf.oneHot(tf.scalar(3, "int32"), 17 * 5);
      const broken = tf.where(tf.reshape(tf.cast(at, "bool"), [17, 5]), tf.fill([17, 5], value), x!);
      return [run(broken, w!, b!)];
    });
    // not a number in just the places where the composed form has none
    const finite = (values: ArrayLike<number>) => Array.from(values, (one) => Number.isFinite(one));
    expect(finite(native[0]!)).toEqual(finite(composed[0]!));
    expect(finite(native[0]!)).toContain(false);
  });

  it("lets NaN through backwards", () => {
    tf.tidy(() => {
      const [x, w, b] = inputsOf(17, 5);
      const dy = normal([17, 5], 4).arraySync() as number[][];
      dy[2]![3] = NaN;
      const [value, ...gradients] = valueAndGradients(
        (x, w, b) => run(x, w, b),
        [x!, w!, tf.abs(b!)].map((one, i) => (i === 2 ? tf.add(one, 10) : one)),
        tf.tensor(dy),
      );
      expect(Array.from(value!.dataSync()).every(Number.isFinite)).toBe(true);
      for (const gradient of gradients) expect(Array.from(gradient.dataSync()).some(Number.isNaN)).toBe(true);
    });
  });
});

describe.each(Object.keys(elementwise))("%s", (name) => {
  const run = elementwise[name]!;

  it.each([...sizes, 70_003])(
    "equals its composed form, forward and backward, on %i numbers",
    async (count) => {
      const [native, composed] = await onBoth(() =>
        valueAndGradients((x) => run(x), [tf.mul(normal([count], 1), 4)], normal([count], 2)),
      );
      expectNear(native, composed, 1e-5);
    },
  );

  it("lets NaN and infinity through, and is zero or the number itself far out", async () => {
    const values = [NaN, Infinity, -1e30, -100, -20, 0, 20, 100, 1e30];
    await tf.setBackend("tensorflow");
    const y = tf.tidy(() => Array.from(run(tf.tensor1d(values)).dataSync()));
    expect(y.slice(0, 2)).toEqual([NaN, Infinity]);
    [0, 0, 0, 0, 20, 100, Math.fround(1e30)].forEach((wanted, i) => {
      // gates are never quite zero: exponents stop at the smallest normal number
      const slack = Math.max(1e-6, 1e-6 * Math.abs(wanted), values[i + 2] === -1e30 ? 1e-7 : 0);
      expect(Math.abs(y[i + 2]! - wanted), `f(${values[i + 2]})`).toBeLessThan(slack);
    });
  });
});

describe("sums", () => {
  it.each(modest)(
    "columns' moments and sums of %i rows of %i equal the composed ones",
    async (rows, columns) => {
      const [native, composed] = await onBoth(() => {
        const x = normal([rows, columns], 1, 2);
        const { mean, variance } = columnMoments(x);
        return [mean, variance, tf.sum(x, 0)];
      });
      expectNear(native, composed, 1e-5);
    },
  );

  it("the squared norm adds up all numbers of all tensors, and none to zero", async () => {
    const [native, composed] = await onBoth(() => {
      const tensors = [normal([4099, 17], 1), normal([1], 2), tf.zeros([4]), tf.zeros([0]), tf.scalar(2)];
      const ops = tf.getBackend() === "tensorflow" ? suite.engine.ops : portableOps;
      return [ops.squaredNorm(tensors), ops.squaredNorm([])];
    });
    expectNear(native, composed, 1e-5);
    expect(native[1]![0]).toBe(0);
  });

  it("refuse a batch without a row, and say so", () => {
    expect(() => columnMoments(tf.zeros([0, 5]))).toThrow(/x must have two axes and a row/);
  });
});

describe("AdamW", () => {
  it.each([1, 17, 4099, 70_003])("follows the portable one over six steps, on %i numbers", async (count) => {
    const settings = { rateScale: 0.5, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2 };
    const [native, composed] = await onBoth(() => {
      const ops = tf.getBackend() === "tensorflow" ? suite.engine.ops : portableOps;
      const variables = [normal([count], 1), tf.zeros([count]), tf.zeros([count])].map((one) =>
        tf.variable(one),
      );
      for (let step = 1; step <= 6; step++) {
        // the fourth changes nothing, and what it is given is not a number
        const gradient = step === 4 ? tf.fill([count], NaN) : normal([count], step + 1);
        const corrections = [1 / (1 - 0.9 ** step), 1 / Math.sqrt(1 - 0.98 ** step)];
        const rates = tf.tensor1d([0.5, 0.02, ...corrections, step === 4 ? 0 : 1]);
        ops.adamwStep(variables[0]!, variables[1]!, variables[2]!, gradient, rates, settings);
      }
      const values = variables.map((one) => tf.mul(one, 1));
      tf.dispose(variables);
      return values;
    });
    expectNear(native, composed, 1e-5);
  });

  it("refuses a gradient of another size", () => {
    const variables = [1, 2, 3].map(() => tf.variable(tf.zeros([4])));
    const settings = { rateScale: 1, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0 };
    const step = () =>
      suite.engine.ops.adamwStep(
        variables[0]!,
        variables[1]!,
        variables[2]!,
        tf.zeros([5]),
        tf.tensor1d([1, 1, 1, 1, 1]),
        settings,
      );
    expect(step).toThrow(/differ in size/);
    tf.dispose(variables);
  });
});

describe("in a program with precision bf16", () => {
  const [rows, columns] = [130, 17];
  const functions: Record<string, Columnwise> = {
    ...columnwise,
    ...Object.fromEntries(
      Object.entries(elementwise).map(([name, run]) => [name, (x: tf.Tensor) => run(x)] as const),
    ),
  };

  it.each(Object.keys(functions))("%s behind a product stays near float32", (name) => {
    const run = functions[name]!;
    tf.tidy(() => {
      const inputs = [
        normal([rows, columns], 1),
        normal([columns, columns], 5),
        normal([columns], 2),
        normal([columns], 3),
        normal([rows, columns], 4),
      ];
      const whole = ([x, product, weight, bias, dy]: readonly tf.Tensor[]) =>
        valueAndGradients(
          (x, w, b) => tf.matMul(run(tf.matMul(x, product!), w, b), product!),
          [x!, ...(name in columnwise ? [weight!, bias!] : [])],
          dy!,
        );
      const source = { run: (given: readonly tf.Tensor[]) => whole(given), samples: inputs };
      const expected = whole(inputs).map((one) => one.dataSync());
      const results = (["float32", "bf16"] as const).map((precision) => {
        const programs = suite.engine.openPrograms({ whole: source }, { variables: new Map(), precision });
        const values = programs.run("whole", inputs).map((one) => one.dataSync());
        programs.dispose();
        return values;
      });
      expectNear(results[0]!, expected, 1e-5);
      results[1]!.forEach((values, i) => {
        let [difference, size] = [0, 0];
        values.forEach((value, j) => {
          difference += (value - expected[i]![j]!) ** 2;
          size += expected[i]![j]! ** 2;
        });
        // what rounding puts on the other side of relu's kink loses its whole slope
        expect(Math.sqrt(difference / size), `output ${i}`).toBeLessThan(name === "relu" ? 3e-2 : 1e-2);
      });
      // it did round
      expect(results[1]![0]).not.toEqual(results[0]![0]);
    });
  });
});
