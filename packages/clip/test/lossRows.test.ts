import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { clipLoss, type LossKind, lossRows, normalizeFeatures, siglipLoss } from "../src/index.js";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const size = 12;
const features = (seed: number) => normalizeFeatures(tf.randomNormal([size, 5], 0, 1, "float32", seed));
const logScale = tf.scalar(Math.log(7));
const bias = tf.scalar(-2);

const cases: [name: string, kind: LossKind, bias: tf.Scalar | null][] = [
  ["CLIP's loss", "clip", null],
  ["SigLIP's loss", "siglip", bias],
  ["SigLIP's loss without a bias", "siglip", null],
];

/** The whole loss, of the whole table. */
function whole(kind: LossKind, image: tf.Tensor, text: tf.Tensor, log: tf.Tensor, b: tf.Tensor | null) {
  return kind === "clip" ? clipLoss(image, text, tf.exp(log)) : siglipLoss(image, text, tf.exp(log), b);
}

/** The loss and its slopes from chunks of rows: of images among texts, and for CLIP's of texts among images. */
function inChunks(kind: LossKind, image: tf.Tensor2D, text: tf.Tensor2D, b: tf.Scalar | null, rows: number) {
  const sums = { loss: 0, dLogScale: 0, dBias: 0 };
  const slopes = (queries: tf.Tensor2D, keys: tf.Tensor2D) => {
    const own: tf.Tensor[] = [];
    let others: tf.Tensor = tf.zerosLike(keys);
    for (let at = 0; at < size; at += rows) {
      const chunk = tf.slice(queries, [at, 0], [rows, -1]);
      const found = lossRows(kind, chunk, keys, tf.range(at, at + rows, 1, "int32"), logScale, b);
      for (const name of ["loss", "dLogScale", "dBias"] as const) sums[name] += found[name].dataSync()[0]!;
      own.push(found.dQueries);
      others = tf.add(others, found.dKeys);
    }
    return { own: tf.concat(own), others };
  };
  const byRow = slopes(image, text);
  if (kind === "siglip") return { ...sums, dImage: byRow.own, dText: byRow.others };
  const byColumn = slopes(text, image);
  return {
    ...sums,
    dImage: tf.add(byRow.own, byColumn.others),
    dText: tf.add(byRow.others, byColumn.own),
  };
}

const gap = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync<"float32">()[0]!;

describe.each(cases)("%s by rows", (_, kind, b) => {
  const [image, text] = [features(1), features(2)];

  test.each([1, 3, 4, 12])(
    "%i at once sum up to the loss of the whole table, and to its gradients",
    (rows) => {
      const found = inChunks(kind, image, text, b, rows);
      expect(found.loss).toBeCloseTo(whole(kind, image, text, logScale, b).dataSync()[0]!, 5);
      const run = (i: tf.Tensor, t: tf.Tensor, s: tf.Tensor, c: tf.Tensor) =>
        whole(kind, i, t, s, b === null ? null : c);
      const [dImage, dText, dLogScale, dBias] = tf.grads((i, t, s, c) =>
        // so that the bias has a gradient also where the loss doesn't know it
        tf.add(run(i, t, s, c), tf.mul(c, 0)),
      )([image, text, logScale, bias]) as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      expect(gap(found.dImage, dImage)).toBeLessThan(1e-6);
      expect(gap(found.dText, dText)).toBeLessThan(1e-6);
      expect(found.dLogScale).toBeCloseTo(dLogScale.dataSync()[0]!, 5);
      if (b !== null) expect(found.dBias).toBeCloseTo(dBias.dataSync()[0]!, 5);
      if (kind === "clip") expect(found.dBias).toBe(0);
    },
  );

  test("slopes agree with finite differences of the loss", () => {
    const found = inChunks(kind, image, text, b, 4);
    const lossAt = (i: tf.Tensor, t: tf.Tensor, log: number, shift: number) =>
      whole(kind, i, t, tf.scalar(log), b === null ? null : tf.scalar(-2 + shift)).dataSync()[0]!;
    const log = Math.log(7);
    const step = 0.01;
    const difference = (at: (by: number) => number) => (at(step) - at(-step)) / (2 * step);
    const along = tf.randomNormal<tf.Rank.R2>([size, 5], 0, 1, "float32", 3);
    const slope = (by: tf.Tensor) => tf.sum(tf.mul(by, along)).dataSync()[0]!;
    const moved = (x: tf.Tensor, by: number) => tf.add(x, tf.mul(along, by));
    expect(difference((by) => lossAt(moved(image, by), text, log, 0))).toBeCloseTo(slope(found.dImage), 2);
    expect(difference((by) => lossAt(image, moved(text, by), log, 0))).toBeCloseTo(slope(found.dText), 2);
    expect(difference((by) => lossAt(image, text, log + by, 0))).toBeCloseTo(found.dLogScale, 3);
    if (b !== null) expect(difference((by) => lossAt(image, text, log, by))).toBeCloseTo(found.dBias, 3);
  });
});
