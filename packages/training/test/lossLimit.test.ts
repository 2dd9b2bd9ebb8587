import { clipLoss, siglipLoss } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { guessingLoss, lossLimit } from "../src/step/lossLimit.js";
import { smallModel } from "./smallRelease.js";
import { openSmallStep } from "./smallStep.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
});
afterAll(() => engine.dispose());

/** A loss over features whose every own pair and every other pair have these cosines. */
function lossAt(kind: "clip" | "siglip", size: number, own: number, others: number, scale: number, bias = 0) {
  return tf.tidy(() => {
    const images = tf.eye(size, size + 1);
    // the last axis makes the texts as long as the images
    const texts = tf.concat([tf.add(tf.mul(tf.eye(size), own - others), others), tf.ones([size, 1])], 1);
    const loss = kind === "clip" ? clipLoss : siglipLoss;
    return loss(images, texts, tf.scalar(scale), tf.scalar(bias)).dataSync()[0]!;
  });
}

const initialScale = 1 / 0.07;

describe.each([8, 80, 256, 4096])("of %i pairs", (size) => {
  test("SigLIP's loss at its beginning is none that has exploded: B ln 2 without a bias, little with one of −10", () => {
    const without = lossLimit("siglip", size, { scale: initialScale, bias: null });
    expect(size * Math.LN2).toBeLessThan(without);
    // towers whose features all point one way at first
    expect(size * initialScale * 0.5).toBeLessThan(without);
    const biased = lossLimit("siglip", size, { scale: 10, bias: -10 });
    expect(10 + size * Math.log1p(Math.exp(-10))).toBeLessThan(biased);
    // ten times guessing and more has exploded
    expect(Math.max(without, biased)).toBeLessThan(15 * (1 + size));
  });

  test("CLIP's loss begins at ln B, and has exploded from ten times that on", () => {
    const limit = lossLimit("clip", size, { scale: initialScale, bias: null });
    expect(limit).toBeCloseTo(10 * (1 + Math.log(size)), 10);
  });
});

test.each([80, 256])(
  "no features of %i pairs make SigLIP's first step explode, whatever scale and bias",
  (size) => {
    for (const [scale, bias] of [
      [initialScale, 0],
      [10, -10],
      [100, 0],
      [100, -16.5],
      [1, 20],
    ] as const) {
      const worst = lossAt("siglip", size, -1, 1, scale, bias);
      expect(worst).toBeLessThanOrEqual(lossLimit("siglip", size, { scale, bias }));
    }
  },
);

test.each([2, 80, 256])(
  "the best that guessing gives of %i pairs is what no one answer for all pairs beats",
  (size) => {
    const answers = Array.from({ length: 400 }, (_, i) => i / 20 - 15);
    const siglip = answers.map((logit) => lossAt("siglip", size, 0, 0, 1, logit));
    expect(Math.min(...siglip)).toBeGreaterThan(guessingLoss("siglip", size) * (1 - 1e-5));
    expect(Math.min(...siglip)).toBeLessThan(guessingLoss("siglip", size) * 1.002);
    expect(lossAt("clip", size, 0.3, 0.3, 1)).toBeCloseTo(guessingLoss("clip", size), 4);
  },
);

test.each([
  [1, "clip"],
  [1, "siglip"],
  [3, "siglip"],
] as const)(
  "96 pairs in %i parts are learned from with the loss of %s and without a bias",
  async (accumulate, loss) => {
    const { step, batch, dispose } = openSmallStep(engine, smallModel, { batchSize: 96, accumulate, loss });
    const losses: number[] = [];
    for (let at = 1; at <= 6; at++) {
      const result = await step.run(batch, at, 0.005);
      expect(result.refused).toBeNull();
      losses.push(result.loss);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]!);
    dispose();
  },
);

test("a bias gone astray is still an explosion of SigLIP's loss", async () => {
  const { step, batch, variables, dispose } = openSmallStep(
    engine,
    { ...smallModel, init_logit_bias: -10 } as typeof smallModel,
    {
      batchSize: 96,
    },
  );
  expect((await step.run(batch, 1, 0.005)).refused).toBeNull();
  variables.parameters.get("logit_bias")!.assign(tf.scalar(1e3));
  expect((await step.run(batch, 2, 0.005)).refused).toMatch(/^the loss exploded to/);
  dispose();
});
