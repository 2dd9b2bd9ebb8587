import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { describe, expect, test } from "vitest";
import type { FeatureTable } from "../src/featureTable.js";
import { chooseC } from "../src/probe/chooseC.js";
import { linearProbe } from "../src/probe/linearProbe.js";
import { LogisticRegression } from "../src/probe/logisticRegression.js";
import { minimize } from "../src/probe/minimize.js";

interface Case {
  classes: number;
  train: { x: number[][]; y: number[] };
  test: { x: number[][]; y: number[] };
  fits: { c: number; loss: number; accuracy: number; probabilities: number[][] }[];
}
const cases = JSON.parse(readFileSync(new URL("fixtures/logistic.json", import.meta.url), "utf8")) as Case[];
const table = (rows: number[][]): FeatureTable => ({
  rows: rows.length,
  width: rows[0]?.length ?? 0,
  data: Float32Array.from(rows.flat()),
});
const part = ({ x, y }: { x: number[][]; y: number[] }) => ({ features: table(x), labels: y });

describe.each(cases)(
  "scikit-learn's logistic regression of $classes classes",
  ({ train, test: held, fits }) => {
    test.each(fits)("has our loss and our answers at C = $c", async ({ c, loss, accuracy }) => {
      const tensors = tf.memory().numTensors;
      const result = await linearProbe(part(train), part(held), { c });
      expect(result.classifier.converged).toBe(true);
      expect(result.classifier.loss).toBeGreaterThan(loss - 1e-7);
      expect(result.classifier.loss - loss).toBeLessThan(5e-5);
      expect(result.top1).toBe(accuracy);
      expect(tf.memory().numTensors).toBe(tensors);
    });

    test.each(fits)("has our probabilities at C = $c where it is minimised far enough", async (fit) => {
      const regression = new LogisticRegression(table(train.x), train.y);
      const { weights, classes } = await regression.fit(fit.c, undefined, { tolerance: 1e-6 });
      regression.dispose();
      const width = 8;
      fit.probabilities.forEach((expected, row) => {
        const logits = [...classes].map((_, k) =>
          held.x[row]!.reduce(
            (sum, x, i) => sum + x * weights[i * classes.length + k]!,
            weights[width * classes.length + k]!,
          ),
        );
        const most = Math.max(...logits);
        const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
        logits.forEach((logit, k) =>
          expect(Math.exp(logit - most) / total).toBeCloseTo(expected[k]!, fit.c > 10 ? 2 : 3),
        );
      });
    });
  },
);

describe("L-BFGS", () => {
  test("finds the minimum of Rosenbrock's valley in ten dimensions", async () => {
    const rosenbrock = (x: Float64Array, gradient: Float64Array) => {
      let value = 0;
      gradient.fill(0);
      for (let i = 0; i + 1 < x.length; i++) {
        const [off, rest] = [x[i + 1]! - x[i]! ** 2, 1 - x[i]!];
        value += 100 * off ** 2 + rest ** 2;
        gradient[i]! += -400 * x[i]! * off - 2 * rest;
        gradient[i + 1]! += 200 * off;
      }
      return Promise.resolve(value);
    };
    const start = new Float64Array(10).fill(-1.2);
    const { x, converged, iterations } = await minimize(rosenbrock, start, { tolerance: 1e-9 });
    expect(converged).toBe(true);
    expect(iterations).toBeLessThan(150);
    for (const value of x) expect(value).toBeCloseTo(1, 7);
    expect([...start]).toEqual(new Array(10).fill(-1.2));
  });

  test("says when it has not come to the minimum, and ends on a function without one", async () => {
    const slope = (x: Float64Array, gradient: Float64Array) => {
      gradient.fill(1);
      return Promise.resolve(x[0]!);
    };
    const { converged, iterations } = await minimize(slope, new Float64Array(1), { maxIterations: 5 });
    expect([converged, iterations <= 5]).toEqual([false, true]);
  });
});

describe("the sweep", () => {
  test("finds the peak of the paper's grid in at most 15 trainings", async () => {
    for (const peak of [-5.9, -2.3, 0.125, 3, 6]) {
      let trainings = 0;
      const { c, tried } = await chooseC((c) => {
        trainings++;
        return Promise.resolve(1 - Math.abs(-Math.log10(c) - peak) / 20);
      });
      expect(Math.abs(-Math.log10(c) - peak)).toBeLessThanOrEqual(1 / 16 + 1e-9);
      expect(trainings).toBeLessThanOrEqual(15);
      expect(tried.length).toBe(trainings);
    }
  });

  test("takes the strongest penalty of equal ones", async () => {
    expect((await chooseC(() => Promise.resolve(0.5))).c).toBeCloseTo(1e-6, 12);
  });
});

describe("the probe", () => {
  const { train, test: held } = cases[1]!;

  test("chooses C on pictures that are held out, the same each time", async () => {
    const first = await linearProbe(part(train), part(held), { seed: 3 });
    const second = await linearProbe(part(train), part(held), { seed: 3 });
    expect(first.tried.length).toBeGreaterThan(7);
    expect(second.c).toBe(first.c);
    expect(first.top1).toBeGreaterThanOrEqual(cases[1]!.fits[1]!.accuracy - 0.1);
  });

  test("counts pictures of a class that it was not trained on as wrong", async () => {
    const two = { x: train.x.slice(0, 4), y: [1, 1, 4, 4] };
    const result = await linearProbe(part(two), part({ x: held.x.slice(0, 2), y: [0, 7] }), { c: 1 });
    expect(result.top1).toBe(0);
    expect([...result.answers].every((label) => label === 1 || label === 4)).toBe(true);
  });

  test("needs two classes", async () => {
    const one = part({ x: train.x.slice(0, 3), y: [2, 2, 2] });
    await expect(linearProbe(one, one, { c: 1 })).rejects.toMatchObject({ code: "one_class" });
  });
});
