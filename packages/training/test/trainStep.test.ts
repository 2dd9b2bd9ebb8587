import {
  createParameters,
  disposeParameters,
  initialParameters,
  lossAndGradients,
  parseModelConfig,
} from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdamW } from "../src/optimizer/adamW.js";
import { trainStep } from "../src/trainStep.js";
import { smallModel, smallResNet } from "./smallRelease.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
});
afterAll(() => engine.dispose());

const adamW = { beta1: 0.9, beta2: 0.98, eps: 1e-6, weightDecay: 0.1, textRate: 1 };
const hyper = { lr: 0.005, gradClip: 1, maxLogitScale: 100 };

function setUp(model: object, batch: number) {
  const config = parseModelConfig(model);
  const parameters = createParameters(config, initialParameters(config, 1));
  const optimizer = new AdamW(parameters, adamW, engine.ops);
  const side = config.vision_cfg.image_size as number;
  const images = tf.randomNormal<tf.Rank.R4>([batch, side, side, 3], 0, 1, "float32", 5);
  const ids = Int32Array.from({ length: batch * 10 }, (_, i) =>
    i % 10 === 0 ? 49406 : i % 10 === 5 ? 49407 : i % 10 > 5 ? 0 : 300 + ((i * 7919) % 5000),
  );
  const tokens = tf.tensor2d(ids, [batch, 10], "int32");
  const dispose = () => {
    optimizer.dispose();
    disposeParameters(parameters);
    tf.dispose([images, tokens]);
  };
  return { config, parameters, optimizer, images, tokens, dispose };
}

test.each([
  ["vision transformer", smallModel],
  ["ResNet", smallResNet],
])("a %s learns one batch by heart, and no step leaks a tensor", async (_, model) => {
  const before = tf.memory().numTensors;
  const { config, parameters, optimizer, images, tokens, dispose } = setUp(model, 8);
  const losses: number[] = [];
  let held = 0;
  for (let step = 1; step <= 40; step++) {
    const result = await trainStep(parameters, config, optimizer, engine.ops, {
      images,
      tokens,
      step,
      ...hyper,
    });
    expect(result.refused).toBeNull();
    losses.push(result.loss);
    if (step === 2) held = tf.memory().numTensors;
  }
  expect(tf.memory().numTensors).toBe(held);
  expect(losses[0]).toBeGreaterThan(1);
  expect(losses.at(-1)).toBeLessThan(0.05);
  dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test("the gradient agrees with finite differences of the loss", () => {
  const { config, parameters, images, tokens, dispose } = setUp(smallModel, 4);
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
    expect((moved(step) - moved(-step)) / (2 * step) / length).toBeCloseTo(1, 1);
    parameter.assign(tf.tensor(values, parameter.shape));
  }
  dispose();
});

test("a loss that is not a number changes no parameter and says so", async () => {
  const { config, parameters, optimizer, images, tokens, dispose } = setUp(smallModel, 4);
  const broken = tf.mul<tf.Tensor4D>(images, NaN);
  const before = [...parameters.values()].map((variable) => new Float32Array(variable.dataSync()));
  const input = { images: broken, tokens, step: 1, ...hyper };
  const result = await trainStep(parameters, config, optimizer, engine.ops, input);
  expect(result.refused).toContain("NaN");
  const same = [...parameters.values()].map((variable, i) =>
    Buffer.from(new Float32Array(variable.dataSync()).buffer).equals(Buffer.from(before[i]!.buffer)),
  );
  expect(same).not.toContain(false);
  broken.dispose();
  dispose();
});

test("the logit scale stays at or below its limit", async () => {
  const { config, parameters, optimizer, images, tokens, dispose } = setUp(smallModel, 4);
  parameters.get("logit_scale")!.assign(tf.scalar(Math.log(99.99)));
  for (let step = 1; step <= 5; step++) {
    const input = { images, tokens, step, ...hyper, lr: 0.1 };
    await trainStep(parameters, config, optimizer, engine.ops, input);
    expect(parameters.get("logit_scale")!.dataSync()[0]).toBeLessThanOrEqual(
      Math.fround(Math.log(100)) + 1e-6,
    );
  }
  dispose();
});

test("AdamW moves gains and biases without decay, matrices with it", () => {
  const matrix = tf.variable(tf.ones([2, 2]));
  const gain = tf.variable(tf.ones([2]));
  const parameters = new Map([
    ["matrix", matrix],
    ["gain", gain],
  ]);
  const optimizer = new AdamW(parameters, { ...adamW, weightDecay: 0.5 }, engine.ops);
  const none = new Map([
    ["matrix", tf.zeros([2, 2])],
    ["gain", tf.zeros([2])],
  ]);
  optimizer.apply(none, 1, 0.1, 1);
  expect(matrix.dataSync()[0]).toBeCloseTo(0.95, 6);
  expect(gain.dataSync()[0]).toBe(1);
  // with bias correction the first step is lr in the gradient's direction
  optimizer.dispose();
  const fresh = new AdamW(parameters, { ...adamW, weightDecay: 0 }, engine.ops);
  fresh.apply(
    new Map([
      ["matrix", tf.fill([2, 2], 3)],
      ["gain", tf.fill([2], -3)],
    ]),
    1,
    0.1,
    1,
  );
  expect(matrix.dataSync()[0]).toBeCloseTo(0.85, 4);
  expect(gain.dataSync()[0]).toBeCloseTo(1.1, 4);
  fresh.dispose();
});

test("the text tower moves at its share of the rate, the image tower and the logit scale at the whole", () => {
  const keys = ["visual.conv1.weight", "token_embedding.weight", "logit_scale"];
  const parameters = new Map(keys.map((key) => [key, tf.variable(tf.zeros([2, 2]))]));
  const optimizer = new AdamW(parameters, { ...adamW, textRate: 0.2 }, engine.ops);
  optimizer.apply(new Map(keys.map((key) => [key, tf.fill([2, 2], -3)])), 1, 0.1, 1);
  const moved = keys.map((key) => parameters.get(key)!.dataSync()[0]);
  [0.1, 0.02, 0.1].forEach((by, i) => expect(moved[i]).toBeCloseTo(by, 4));
  optimizer.dispose();
});
