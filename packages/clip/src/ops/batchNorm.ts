import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";

/** PyTorch's default for the running statistics and the denominator. */
export const batchNormMomentum = 0.1;
export const batchNormEpsilon = 1e-5;

/** Mean and biased variance of each column of x [N, C]: two tensors [C]. No gradient flows through them. */
export function columnMoments(x: tf.Tensor): { mean: tf.Tensor1D; variance: tf.Tensor1D } {
  const both = differentiable(
    [x],
    () => {
      const mean = tf.mean(x, 0);
      return { value: tf.stack([mean, tf.mean(tf.square(tf.sub(x, mean)), 0)]), saved: [x] };
    },
    (_, [x]) => [tf.zerosLike(x!)],
  );
  const [mean, variance] = tf.unstack(both) as [tf.Tensor1D, tf.Tensor1D];
  return { mean, variance };
}

/**
 * Batch normalisation by the batch's own statistics (training). The gradient goes through the statistics.
 *
 * @param x [N, C]
 * @param moments of x, from `columnMoments`
 * @returns [N, C]
 */
export function batchNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  moments: { mean: tf.Tensor; variance: tf.Tensor },
): tf.Tensor2D {
  const rows = x.shape[0];
  const { mean, variance } = moments;
  return differentiable(
    [x, weight, bias],
    () => {
      const inverse = tf.rsqrt(tf.add(variance, batchNormEpsilon));
      const value: tf.Tensor2D = tf.add(tf.mul(tf.sub(x, mean), tf.mul(inverse, weight)), bias);
      return { value, saved: [x, mean, inverse, weight] };
    },
    (dy, [x, mean, inverse, weight]) => {
      const normal = tf.mul(tf.sub(x!, mean!), inverse!);
      const dBias = tf.sum(dy, 0);
      const dWeight = tf.sum(tf.mul(dy, normal), 0);
      const shared = tf.add(tf.mul(normal, tf.div(dWeight, rows)), tf.div(dBias, rows));
      return [tf.mul(tf.sub(dy, shared), tf.mul(inverse!, weight!)), dWeight, dBias];
    },
  );
}

/** Batch normalisation by running statistics (inference). x [N, C] → [N, C]. */
export function frozenBatchNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  running: { mean: tf.Tensor; variance: tf.Tensor },
): tf.Tensor2D {
  const scale = tf.mul(weight, tf.rsqrt(tf.add(running.variance, batchNormEpsilon)));
  return tf.add(tf.mul(x, scale), tf.sub(bias, tf.mul(running.mean, scale)));
}

/**
 * The running statistics after a batch, as PyTorch moves them: the running variance takes the unbiased one.
 *
 * @param rows N, how many values went into each statistic
 */
export function movedStatistics(
  running: { mean: tf.Tensor; variance: tf.Tensor },
  moments: { mean: tf.Tensor; variance: tf.Tensor },
  rows: number,
): { mean: tf.Tensor; variance: tf.Tensor } {
  const keep = 1 - batchNormMomentum;
  const unbiased = (batchNormMomentum * rows) / (rows - 1);
  return {
    mean: tf.add(tf.mul(running.mean, keep), tf.mul(moments.mean, batchNormMomentum)),
    variance: tf.add(tf.mul(running.variance, keep), tf.mul(moments.variance, unbiased)),
  };
}
