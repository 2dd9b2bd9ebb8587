import * as tf from "@tensorflow/tfjs";
import type { LossKind } from "./lossAndGradients.js";
import { exactMatMul } from "./ops/exactMatMul.js";

/** One part of a batch's loss, and what it adds to the gradients. The caller disposes all of it. */
export interface LossRows {
  /** This part's share of the loss: the parts' sum is the loss. */
  loss: tf.Scalar;
  /** [C, E] and [B, E] */
  dQueries: tf.Tensor2D;
  dKeys: tf.Tensor2D;
  /** By `logit_scale` (the logarithm) and by `logit_bias`. */
  dLogScale: tf.Scalar;
  dBias: tf.Scalar;
}

/**
 * Some rows of the table of logits [B, B], without the rest of the table: a batch whose table would not fit in memory is
 * gone through part by part. CLIP's loss takes the rows of images among texts and those of texts among images, each
 * half; SigLIP's takes the former alone.
 *
 * @param queries [C, E], normalised features of the rows
 * @param keys [B, E], normalised features of all columns
 * @param own [C] int32, the column of each row's own pair
 * @param logScale a scalar, `logit_scale`
 * @param bias a scalar, `logit_bias`, or null
 */
export function lossRows(
  kind: LossKind,
  queries: tf.Tensor2D,
  keys: tf.Tensor2D,
  own: tf.Tensor1D,
  logScale: tf.Tensor,
  bias: tf.Tensor | null,
): LossRows {
  const size = keys.shape[0];
  const scale = tf.exp(logScale);
  const scaled = tf.mul(exactMatMul(queries, keys), scale);
  // not oneHot as float32: the wasm back end's writes whole numbers into it, whatever the type
  const isPair = tf.cast(tf.equal(tf.reshape(own, [-1, 1]), tf.range(0, size, 1, "int32")), "float32");
  const { loss, slope } =
    kind === "clip"
      ? softmaxRows(scaled, isPair, size)
      : sigmoidRows(bias === null ? scaled : tf.add(scaled, bias), isPair, size);
  const bySimilarity = tf.mul(slope, scale);
  return {
    loss,
    dQueries: exactProduct(bySimilarity, keys),
    dKeys: exactProduct(tf.transpose(bySimilarity), queries),
    dLogScale: tf.sum(tf.mul(slope, scaled)),
    // CLIP's loss knows no bias: its slopes' sum is zero but for rounding, of which Adam would make whole steps
    dBias: kind === "clip" ? tf.scalar(0) : tf.sum(slope),
  };
}

/** Half of the mean cross entropy, over B rows in all. */
function softmaxRows(
  logits: tf.Tensor,
  isPair: tf.Tensor,
  size: number,
): { loss: tf.Scalar; slope: tf.Tensor } {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const log = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
  const share = 0.5 / size;
  return {
    loss: tf.mul(tf.sum(tf.mul(log, isPair)), -share),
    slope: tf.mul(tf.sub(tf.exp(log), isPair), share),
  };
}

function sigmoidRows(
  logits: tf.Tensor,
  isPair: tf.Tensor,
  size: number,
): { loss: tf.Scalar; slope: tf.Tensor } {
  const signs = tf.sub(tf.mul(isPair, 2), 1);
  const wrong = tf.neg(tf.mul(logits, signs));
  return {
    loss: tf.mul(tf.sum(tf.softplus(wrong)), 1 / size),
    slope: tf.mul(tf.mul(tf.neg(signs), tf.sigmoid(wrong)), 1 / size),
  };
}

/** a · b by the product that stays in float32. */
function exactProduct(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return exactMatMul(a, tf.transpose(b));
}
