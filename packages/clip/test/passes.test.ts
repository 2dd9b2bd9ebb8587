import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  createParameters,
  encodeImage,
  initialParameters,
  type ModelConfig,
  parseModelConfig,
} from "../src/index.js";
import { recomputed } from "../src/ops/recomputed.js";
import { relu } from "../src/ops/relu.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const vision_cfg = { image_size: 16, patch_size: 4, width: 16, layers: 2, head_width: 8 };
const text_cfg = { context_length: 6, vocab_size: 40, width: 16, heads: 2, layers: 1 };
const modelOf = (more: object = {}): ModelConfig =>
  parseModelConfig({ embed_dim: 8, vision_cfg: { ...vision_cfg, ...more }, text_cfg });

describe.each([
  ["the class token", {}],
  ["the mean of the patches", { pool_type: "avg" }],
])("kept patches, pooled by %s", (_, more) => {
  const config = modelOf(more);
  const parameters = createParameters(config, initialParameters(config, 1));
  const images = tf.randomNormal<tf.Rank.R4>([2, 16, 16, 3], 0, 1, "float32", 1);

  test("give what a picture of these patches alone gives, each at its place", () => {
    const kept = [
      [0, 3, 5, 10, 15],
      [1, 2, 8, 9, 14],
    ];
    const found = encodeImage(parameters, config, images, {
      keptPatches: tf.tensor2d(kept, [2, 5], "int32"),
    });
    kept.forEach((patches, i) => {
      // a picture one patch high, and positions of the patches that it is made of
      const small = modelOf({ ...more, image_size: [4, 20] });
      const strip = tf.concat<tf.Tensor4D>(
        patches.map((patch) =>
          tf.slice(images, [i, 4 * Math.floor(patch / 4), 4 * (patch % 4), 0], [1, 4, 4, 3]),
        ),
        2,
      );
      const places = parameters.get("visual.positional_embedding")!;
      const own = new Map<string, tf.Tensor>(parameters);
      const rows = tf.tensor1d([0, ...patches.map((patch) => patch + 1)], "int32");
      own.set("visual.positional_embedding", tf.gather(places, rows));
      const expected = encodeImage(own, small, strip).features;
      const ours = tf.slice(found.features, [i, 0], [1, -1]);
      expect(tf.max(tf.abs(tf.sub(ours, expected))).dataSync()[0]).toBeLessThan(1e-6);
    });
  });

  test("that are all of them change nothing", () => {
    const all = tf.tensor2d(
      Array.from({ length: 32 }, (_, i) => i % 16),
      [2, 16],
      "int32",
    );
    const found = encodeImage(parameters, config, images, { keptPatches: all }).features;
    expect([...found.dataSync()]).toEqual([...encodeImage(parameters, config, images).features.dataSync()]);
  });
});

describe("a block that is computed again", () => {
  const [x, w, shift] = [1, 2, 3].map((seed) => tf.randomNormal([4, 4], 0, 1, "float32", seed)) as [
    tf.Tensor2D,
    tf.Tensor2D,
    tf.Tensor2D,
  ];
  const block = (input: tf.Tensor, weight: tf.Tensor, constant: tf.Tensor) =>
    relu(tf.add(tf.matMul(input as tf.Tensor2D, weight as tf.Tensor2D), constant));

  test("has its gradients, two deep, with a constant that is long gone, and leaves nothing behind", () => {
    const plain = tf.grads((x, w) => tf.sum(tf.square(block(block(x, w, shift), w, shift))))([x, w]);
    const before = tf.memory().numTensors;
    const again = tf.tidy(() =>
      tf.grads((x, w) => {
        const mask = tf.add(shift, 0);
        const once = (input: tf.Tensor) =>
          recomputed(input, [w], [mask], (given, [kept]) => block(given, w, kept!));
        return tf.sum(tf.square(once(once(x))));
      })([x, w]),
    );
    expect(tf.memory().numTensors).toBe(before + 2);
    again.forEach((gradient, i) => expect([...gradient.dataSync()]).toEqual([...plain[i]!.dataSync()]));
  });
});

test("relu's gradient is that of what lies above zero, and at zero none", () => {
  const gradient = tf.grad((x: tf.Tensor) => tf.sum(tf.mul(relu(x), tf.tensor1d([1, 2, 3, 4]))));
  expect([...gradient(tf.tensor1d([-1, 0, 1e-6, 5])).dataSync()]).toEqual([0, 0, 3, 4]);
});

test("batch normalisation is not trained on one value a channel, of which there is no variance", () => {
  const resnet = { image_size: 32, width: 2, layers: [1, 1, 1, 1], head_width: 16 };
  const config = parseModelConfig({ embed_dim: 8, vision_cfg: resnet, text_cfg });
  const parameters = createParameters(config, initialParameters(config, 1));
  const encode = (batch: number) => () =>
    tf.tidy(() => {
      encodeImage(parameters, config, tf.zeros([batch, 32, 32, 3]), { training: true });
    });
  expect(encode(1)).toThrow("larger batches or pictures");
  expect(encode(2)).not.toThrow();
});
