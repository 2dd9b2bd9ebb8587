import { expect, test } from "vitest";
import { learningRate } from "../src/optimizer/learningRate.js";

const cosine = { lr: 0.01, warmup: 10, schedule: "cosine" } as const;

test("the rate rises linearly to its full value in the warm-up", () => {
  expect(learningRate(1, 110, cosine)).toBeCloseTo(0.001, 12);
  expect(learningRate(5, 110, cosine)).toBeCloseTo(0.005, 12);
  expect(learningRate(10, 110, cosine)).toBeCloseTo(0.01, 12);
});

test("after the warm-up it falls along half a cosine to zero at the last step", () => {
  expect(learningRate(35, 110, cosine)).toBeCloseTo((0.01 * (1 + Math.SQRT1_2)) / 2, 12);
  expect(learningRate(60, 110, cosine)).toBeCloseTo(0.005, 12);
  expect(learningRate(110, 110, cosine)).toBeCloseTo(0, 12);
});

test("a constant schedule stays at its full value", () => {
  expect(learningRate(100, 110, { ...cosine, schedule: "constant" })).toBe(0.01);
});

test("without a warm-up the first step has nearly the full rate", () => {
  expect(learningRate(1, 1000, { ...cosine, warmup: 0 })).toBeCloseTo(0.01, 6);
});
