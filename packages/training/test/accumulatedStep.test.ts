import { clipLoss, encodePairs, type EncodedPairs, RandomNumbers } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { patchesToKeep } from "../src/data/patchesToKeep.js";
import { keptPatches, partInputs, partSamples } from "../src/step/partInputs.js";
import { rowsAtOnce } from "../src/step/cachedPrograms.js";
import { smallModel, smallResNet } from "./smallRelease.js";
import { gradientsOf, openSmallStep, type SmallStep, worstGap } from "./smallStep.js";

let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
});
afterAll(() => engine.dispose());

const withBias = { ...smallModel, init_logit_bias: -3 };
// the biases of attention's keys have a gradient of zero: of its rounding, Adam with a smaller epsilon makes whole steps
const steady = { gradClip: null, eps: 1e-3 };
/** Sixteen patches, of which some can be dropped. */
const finePatches = { ...smallModel, vision_cfg: { ...smallModel.vision_cfg, patch_size: 4 } };

test.each([
  ["CLIP's loss", smallModel, {}],
  ["CLIP's loss, of a model with a bias that it doesn't know", withBias, { loss: "clip" }],
  ["SigLIP's loss", withBias, {}],
  ["SigLIP's loss, without a bias", smallModel, { loss: "siglip" }],
  ["CLIP's loss, patches dropped", finePatches, { patchDropout: 0.5 }],
  ["CLIP's loss, blocks computed again", smallModel, { recompute: true }],
  ["CLIP's loss, the image tower locked", smallModel, { lock: "image" }],
  ["CLIP's loss, the text tower locked", smallModel, { lock: "text" }],
] as const)("2 and 4 parts have the gradient of the whole batch to 1e-5: %s", async (_, model, more) => {
  const whole = openSmallStep(engine, model, { ...steady, ...more });
  const parts = [2, 4].map((accumulate) => openSmallStep(engine, model, { ...steady, ...more, accumulate }));
  for (let at = 1; at <= 4; at++) {
    const expected = await whole.step.run(whole.batch, at, 0.001);
    for (const one of parts) {
      const result = await one.step.run(one.batch, at, 0.001);
      expect(Math.abs(result.loss - expected.loss)).toBeLessThan(1e-5);
      expect(Math.abs(result.gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-5);
      expect(result.logitScale).toBeCloseTo(expected.logitScale, 4);
      if (at === 1) expect(worstGap(gradientsOf(one), gradientsOf(whole))).toBeLessThan(1e-5);
    }
  }
  for (const one of parts) {
    for (const [key, parameter] of whole.variables.parameters)
      expect(gapOf(one.variables.parameters.get(key)!, parameter), key).toBeLessThan(1e-5);
    one.dispose();
  }
  whole.dispose();
});

const gapOf = (a: tf.Tensor, b: tf.Tensor) =>
  tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync<"float32">()[0]!);

test("with clipping and averages, parameters and averages after ten steps are those of whole batches to 1e-5", async () => {
  const more = { ...steady, gradClip: 0.5, emaDecay: 0.9 };
  const whole = openSmallStep(engine, smallModel, more);
  const parts = openSmallStep(engine, smallModel, { ...more, accumulate: 4 });
  for (let at = 1; at <= 10; at++) for (const one of [whole, parts]) await one.step.run(one.batch, at, 0.001);
  for (const [key, { parameter, average }] of whole.variables.trained) {
    const other = parts.variables.trained.get(key)!;
    expect(gapOf(other.parameter, parameter), key).toBeLessThan(1e-5);
    expect(gapOf(other.average!, average!), key).toBeLessThan(1e-5);
  }
  whole.dispose();
  parts.dispose();
});

test("the logit scale's gradient is the whole batch's, counted once, whatever the number of parts", async () => {
  const of = async (accumulate: number) => {
    const one = openSmallStep(engine, smallModel, { gradClip: null, accumulate });
    await one.step.run(one.batch, 1, 0.001);
    const [slope] = gradientsOf(one).get("logit_scale")!;
    one.dispose();
    return slope!;
  };
  const whole = await of(1);
  expect(Math.abs(whole)).toBeGreaterThan(1e-3);
  for (const parts of [2, 4]) expect((await of(parts)) / whole).toBeCloseTo(1, 5);
});

/** The loss and its gradients over parts that batch normalisation sees one by one: one graph, no cached features. */
function jointly({ config, variables, batch, settings }: SmallStep) {
  const { parameters } = variables;
  const { batchSize, accumulate } = settings;
  const size = batchSize / accumulate;
  const side = config.vision_cfg.image_size as number;
  const images = tf.tensor4d(batch.images, [batchSize, side, side, 3]);
  const tokens = tf.tensor2d(batch.tokens, [batchSize, config.text_cfg.context_length], "int32");
  const trained = [...variables.trained].map(([, { parameter }]) => parameter);
  const { value, grads } = tf.variableGrads(() => {
    const parts: EncodedPairs[] = [];
    for (let part = 0; part < accumulate; part++) {
      const pairs = {
        images: tf.slice(images, [part * size, 0, 0, 0], [size, -1, -1, -1]),
        tokens: tf.slice(tokens, [part * size, 0], [size, -1]),
      };
      parts.push(encodePairs(parameters, config, pairs));
    }
    const [image, text] = (["imageFeatures", "textFeatures"] as const).map((which) =>
      tf.concat(parts.map((part) => part[which])),
    ) as [tf.Tensor, tf.Tensor];
    return clipLoss(image, text, tf.exp(parameters.get("logit_scale")!));
  }, trained);
  const gradients = new Map<string, Float32Array>();
  for (const [key, { parameter }] of variables.trained)
    gradients.set(key, grads[parameter.name]!.dataSync<"float32">());
  return { loss: value.dataSync()[0]!, gradients };
}

/** Running statistics after the parts, each moved from where the part before left them. */
function movedInTurn({ config, variables, batch, settings }: SmallStep): Map<string, Float32Array> {
  const here = new Map<string, tf.Tensor>(variables.parameters);
  const size = settings.batchSize / settings.accumulate;
  const side = config.vision_cfg.image_size as number;
  const pixels = size * side * side * 3;
  const ids = size * config.text_cfg.context_length;
  let moved = new Map<string, tf.Tensor>();
  for (let part = 0; part < settings.accumulate; part++) {
    const images = tf.tensor4d(batch.images.subarray(part * pixels, (part + 1) * pixels), [
      ...[size, side, side, 3],
    ] as [number, number, number, number]);
    const tokens = tf.tensor2d(
      batch.tokens.subarray(part * ids, (part + 1) * ids),
      [size, ids / size],
      "int32",
    );
    moved = encodePairs(here, config, { images, tokens }).batchStatistics;
    for (const [key, statistic] of moved) here.set(key, statistic);
  }
  return new Map([...moved].map(([key, statistic]) => [key, Float32Array.from(statistic.dataSync())]));
}

test.each([2, 4])(
  "a ResNet in %i parts has the gradient of the same parts computed jointly, and moves its statistics once a part",
  async (accumulate) => {
    const one = openSmallStep(engine, smallResNet, { batchSize: 16, gradClip: null, accumulate });
    const expected = jointly(one);
    const statistics = movedInTurn(one);
    const { loss } = await one.step.run(one.batch, 1, 0.001);
    expect(Math.abs(loss - expected.loss)).toBeLessThan(1e-5);
    expect(worstGap(gradientsOf(one), expected.gradients)).toBeLessThan(1e-5);
    const buffers = [...one.variables.parameters].filter(([key]) => /running_|num_batches/.test(key));
    expect(buffers.length).toBe(statistics.size);
    for (const [key, variable] of buffers)
      expect(Float32Array.from(variable.dataSync()), key).toEqual(statistics.get(key));
    expect(one.variables.parameters.get("visual.bn1.num_batches_tracked")!.dataSync()[0]).toBe(accumulate);
    one.dispose();
  },
);

test("a ResNet's whole batch moves its statistics once", async () => {
  const one = openSmallStep(engine, smallResNet);
  const statistics = movedInTurn(one);
  await one.step.run(one.batch, 1, 0.001);
  expect(statistics.size).toBeGreaterThan(0);
  for (const [key, expected] of statistics)
    expect(Float32Array.from(one.variables.parameters.get(key)!.dataSync()), key).toEqual(expected);
  one.dispose();
});

test("dropped patches are chosen by seed and step: the same again, others for another seed or step", async () => {
  const lossOf = async (seed: number, at: number, accumulate = 1) => {
    const one = openSmallStep(engine, finePatches, { seed, patchDropout: 0.5, accumulate });
    const { loss } = await one.step.run(one.batch, at, 0.001);
    one.dispose();
    return loss;
  };
  const first = await lossOf(1, 1);
  expect(await lossOf(1, 1)).toBe(first);
  expect(Math.abs((await lossOf(1, 1, 2)) - first)).toBeLessThan(1e-5);
  expect(await lossOf(2, 1)).not.toBe(first);
  expect(await lossOf(1, 2)).not.toBe(first);
});

test("the parts' kept patches are the whole batch's, one part after the other", () => {
  const { config, settings, dispose } = openSmallStep(engine, finePatches, {
    patchDropout: 0.5,
    accumulate: 4,
  });
  const parts = [0, 1, 2, 3].flatMap((part) => keptPatches(config, settings, 7, part));
  const numbers = parts.flatMap((part) => Array.from(part.dataSync()));
  expect(numbers).toEqual([...patchesToKeep(settings.seed, 7, 8, 16, 0.5)]);
  tf.dispose(parts);
  dispose();
});

test("inputs that are drawn as samples have the shapes and types of a part's", () => {
  const { config, settings, batch, dispose } = openSmallStep(engine, finePatches, {
    patchDropout: 0.75,
    accumulate: 2,
  });
  const samples = partSamples(config, settings);
  const inputs = partInputs(config, settings, batch, 1, 1);
  expect(samples.map(({ shape }) => shape)).toEqual([
    [4, 16, 16, 3],
    [4, 10],
    [4, 4],
  ]);
  expect(samples.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  tf.dispose([...samples, ...inputs]);
  dispose();
});

test("rows of the table of logits are at most 1024 at once, where a part can be halved so often", () => {
  const rows = (batchSize: number, accumulate: number) => rowsAtOnce({ batchSize, accumulate });
  expect(rows(32_768, 1)).toBe(1024);
  expect(rows(32_768, 64)).toBe(512);
  const random = new RandomNumbers(1, "batches");
  for (let i = 0; i < 100; i++) {
    const batchSize = random.integer(2, 40_000);
    expect(batchSize % rows(batchSize, 1)).toBe(0);
  }
});
