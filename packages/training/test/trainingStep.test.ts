import { lossAndGradients } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallModel, smallResNet } from "./smallRelease.js";
import { openSmallStep, worstGap } from "./smallStep.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
});
afterAll(() => engine.dispose());

describe.each([
  ["vision transformer", smallModel],
  ["ResNet", smallResNet],
])("a %s", (_, model) => {
  test.each([1, 2])(
    "learns one batch in %i parts by heart, and no step leaks a tensor",
    async (accumulate) => {
      const before = tf.memory().numTensors;
      const { step, batch, dispose } = openSmallStep(engine, model, { accumulate });
      const held = tf.memory().numTensors;
      const losses: number[] = [];
      for (let at = 1; at <= 40; at++) {
        const result = await step.run(batch, at, 0.005);
        expect(result.refused).toBeNull();
        losses.push(result.loss);
        expect(tf.memory().numTensors).toBe(held);
      }
      expect(losses[0]).toBeGreaterThan(1);
      expect(losses.at(-1)).toBeLessThan(0.05);
      dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

test("the gradient agrees with finite differences of the loss", () => {
  const { config, variables, batch, dispose } = openSmallStep(engine, smallModel, { batchSize: 4 });
  const { parameters } = variables;
  const images = tf.tensor4d(batch.images, [4, 16, 16, 3]);
  const tokens = tf.tensor2d(batch.tokens, [4, 10], "int32");
  const lossNow = () => {
    const passed = lossAndGradients(parameters, config, images, tokens);
    const value = passed.loss.dataSync()[0]!;
    tf.dispose([passed.loss, passed.imageFeatures, passed.textFeatures, ...passed.gradients.values()]);
    return value;
  };
  const passed = lossAndGradients(parameters, config, images, tokens);
  for (const key of ["logit_scale", "visual.proj", "text_projection", "visual.ln_post.bias"]) {
    const parameter = parameters.get(key)!;
    const gradient = passed.gradients.get(key)!.dataSync();
    const values = Float32Array.from(parameter.dataSync());
    // along the gradient itself, where float32's rounding is smallest beside the difference
    const length = Math.hypot(...gradient);
    const moved = (by: number) => {
      const there = values.map((value, i) => value + (by * gradient[i]!) / length);
      parameter.assign(tf.tensor(there, parameter.shape));
      return lossNow();
    };
    const step = 0.01;
    expect((moved(step) - moved(-step)) / (2 * step) / length, key).toBeCloseTo(1, 1);
    parameter.assign(tf.tensor(values, parameter.shape));
  }
  dispose();
});

describe.each([
  ["whole", smallModel, 1],
  ["in parts", smallModel, 2],
  ["whole, of a ResNet", smallResNet, 1],
  ["in parts, of a ResNet", smallResNet, 2],
])("a batch %s that can't be learned from", (_, model, accumulate) => {
  test("changes nothing at all and says why; the next batch is as if it had not been", async () => {
    const { step, batch, values, dispose } = openSmallStep(engine, model, { accumulate, emaDecay: 0.9 });
    await step.run(batch, 1, 0.005);
    const before = values();
    const images = batch.images.slice();
    images[images.length - 1] = NaN;
    const result = await step.run({ ...batch, images }, 2, 0.005);
    // a rectifier may make zero of NaN: then the gradient tells
    expect(result.refused).toMatch(/^the (loss|gradient's norm) is NaN$/);
    expect(values()).toEqual(before);
    const next = await step.run(batch, 2, 0.005);
    expect(next.refused).toBeNull();
    expect(Number.isFinite(next.loss)).toBe(true);
    dispose();
  });

  test("is refused where the loss has exploded", async () => {
    const { step, batch, variables, values, dispose } = openSmallStep(engine, model, { accumulate });
    // a scale that makes every wrong answer dear: the limit is 10 (1 + ln 8) = 30.8
    variables.parameters.get("logit_scale")!.assign(tf.scalar(Math.log(1e4)));
    const before = values();
    const { loss, refused } = await step.run(batch, 1, 0.005);
    expect(loss).toBeGreaterThan(30.8);
    expect(refused).toMatch(/^the loss exploded to \d+\.\d \(limit 30\.8\)$/);
    expect(values()).toEqual(before);
    dispose();
  });
});

test("the logit scale stays at or below its limit", async () => {
  const { step, batch, variables, dispose } = openSmallStep(engine, smallModel);
  variables.parameters.get("logit_scale")!.assign(tf.scalar(Math.log(99.99)));
  for (let at = 1; at <= 5; at++) {
    const { logitScale } = await step.run(batch, at, 0.1);
    expect(logitScale).toBeLessThan(100.001);
    const now = variables.parameters.get("logit_scale")!.dataSync()[0];
    expect(now).toBeLessThanOrEqual(Math.fround(Math.log(100)) + 1e-6);
  }
  dispose();
});

test("the reported norm is the gradient's before clipping, and the clipped gradient has the limit's length", async () => {
  const length = ({ variables, settings }: ReturnType<typeof openSmallStep>) =>
    Math.sqrt(
      [...variables.trained.values()]
        .flatMap(({ first }) => Array.from(first.dataSync(), (m) => (m / (1 - settings.beta1)) ** 2))
        .reduce((sum, square) => sum + square, 0),
    );
  const free = openSmallStep(engine, smallModel, { gradClip: null });
  const clipped = openSmallStep(engine, smallModel, { gradClip: 0.01 });
  const { gradientNorm } = await free.step.run(free.batch, 1, 0.005);
  expect(length(free) / gradientNorm).toBeCloseTo(1, 4);
  expect((await clipped.step.run(clipped.batch, 1, 0.005)).gradientNorm).toBe(gradientNorm);
  expect(length(clipped)).toBeCloseTo(0.01, 5);
  free.dispose();
  clipped.dispose();
});

test("a rate of zero moves nothing; decay alone shrinks matrices and leaves gains, biases and the logit scale", async () => {
  const [decay, rate] = [0.5, 0.1];
  const decayed = openSmallStep(engine, smallModel, { weightDecay: decay });
  const plain = openSmallStep(engine, smallModel, { weightDecay: 0 });
  const start = plain.values();
  await plain.step.run(plain.batch, 1, 0);
  for (const [key, { parameter }] of plain.variables.trained)
    expect(parameter.dataSync(), key).toEqual(start.get(key));
  await plain.step.run(plain.batch, 1, rate);
  await decayed.step.run(decayed.batch, 1, 0);
  await decayed.step.run(decayed.batch, 1, rate);
  for (const [key, { parameter }] of decayed.variables.trained) {
    const [before, without] = [start.get(key)!, plain.variables.trained.get(key)!.parameter.dataSync()];
    const share = parameter.rank < 2 ? 0 : rate * decay;
    parameter.dataSync().forEach((value, i) => {
      expect(Math.abs(value - (without[i]! - share * before[i]!))).toBeLessThan(1e-5);
    });
  }
  decayed.dispose();
  plain.dispose();
});

test("a step that computes its blocks again has the same loss and gradients to 1e-6", async () => {
  const model = {
    ...smallModel,
    vision_cfg: { ...smallModel.vision_cfg, layers: 3 },
    text_cfg: { ...smallModel.text_cfg, layers: 2 },
  };
  for (const accumulate of [1, 2]) {
    const kept = openSmallStep(engine, model, { accumulate, gradClip: null });
    const again = openSmallStep(engine, model, { accumulate, gradClip: null, recompute: true });
    for (let at = 1; at <= 3; at++) {
      const expected = await kept.step.run(kept.batch, at, 0.005);
      const result = await again.step.run(again.batch, at, 0.005);
      expect(Math.abs(result.loss - expected.loss)).toBeLessThan(1e-6);
      expect(worstGap(again.values(), kept.values())).toBeLessThan(1e-6);
    }
    kept.dispose();
    again.dispose();
  }
});
