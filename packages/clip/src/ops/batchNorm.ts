import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel, hasFusedKernel } from "./fusedKernel.js";
import { relu } from "./relu.js";

/** PyTorch's default for the running statistics and the denominator. */
export const batchNormMomentum = 0.1;
export const batchNormEpsilon = 1e-5;

/** Mean and biased variance of each column of a batch: two tensors [C]. */
export interface Moments {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/** The moments of x [N, C]. No gradient flows through them. */
export function columnMoments(x: tf.Tensor): Moments {
  const fused = fusedKernel("PairloomColumnMoments", { x });
  if (fused !== null) return { mean: fused[0]!, variance: fused[1]! };
  // as one operation, so that the tape keeps nothing of it
  const both = differentiable(
    [x],
    () => {
      const mean = tf.mean(x, 0);
      return { value: tf.stack([mean, tf.mean(tf.square(tf.sub(x, mean)), 0)]), saved: [x] };
    },
    (_, [x]) => [tf.zerosLike(x!)],
  );
  const [mean, variance] = tf.unstack(both);
  return { mean: mean!, variance: variance! };
}

/**
 * Batch normalisation by the batch's own statistics (training), with a rectifier behind it if asked for. The gradient
 * goes through the statistics.
 *
 * @param x [N, C]
 * @param moments of x, from `columnMoments`
 * @returns [N, C]
 */
export function batchNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  moments: Moments,
  { rectified = false }: { rectified?: boolean } = {},
): tf.Tensor2D {
  if (rectified) {
    return rectifiedBatchNorm(x, weight, bias, moments) ?? relu(batchNorm(x, weight, bias, moments));
  }
  const { mean, variance } = moments;
  const attributes = { epsilon: batchNormEpsilon };
  return differentiable(
    [x, weight, bias],
    () => {
      const inputs = { x, weight, bias, mean, variance };
      const fused = fusedKernel("PairloomBatchNorm", inputs, attributes);
      const value = fused === null ? frozenBatchNorm(x, weight, bias, moments) : (fused[0] as tf.Tensor2D);
      return { value, saved: [x, weight, mean, variance] };
    },
    (dy, [x, weight, mean, variance]) => {
      const kept = { x: x!, weight: weight!, mean: mean!, variance: variance! };
      return (
        fusedKernel("PairloomBatchNormGradient", { dy, ...kept }, attributes) ?? composedGradient(dy, kept)
      );
    },
  );
}

/** Normalised and rectified in one pass; null where the engine has no kernel for it. */
function rectifiedBatchNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  { mean, variance }: Moments,
): tf.Tensor2D | null {
  if (!hasFusedKernel("PairloomBatchNormRelu")) return null;
  const attributes = { epsilon: batchNormEpsilon };
  return differentiable(
    [x, weight, bias],
    () => {
      const inputs = { x, weight, bias, mean, variance };
      const [value] = fusedKernel("PairloomBatchNormRelu", inputs, attributes)!;
      return { value: value as tf.Tensor2D, saved: [x, weight, bias, mean, variance] };
    },
    (dy, [x, weight, bias, mean, variance]) => {
      const kept = { x: x!, weight: weight!, bias: bias!, mean: mean!, variance: variance! };
      return fusedKernel("PairloomBatchNormReluGradient", { dy, ...kept }, attributes)!;
    },
  );
}

function composedGradient(
  dy: tf.Tensor,
  { x, weight, mean, variance }: Moments & { x: tf.Tensor; weight: tf.Tensor },
): tf.Tensor[] {
  const rows = x.shape[0];
  const inverse = tf.rsqrt(tf.add(variance, batchNormEpsilon));
  const normal = tf.mul(tf.sub(x, mean), inverse);
  const dBias = tf.sum(dy, 0);
  const dWeight = tf.sum(tf.mul(dy, normal), 0);
  const shared = tf.add(tf.mul(normal, tf.div(dWeight, rows)), tf.div(dBias, rows));
  return [tf.mul(tf.sub(dy, shared), tf.mul(inverse, weight)), dWeight, dBias];
}

/** Batch normalisation by running statistics (inference). x [N, C] → [N, C]. */
export function frozenBatchNorm(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor,
  running: Moments,
): tf.Tensor2D {
  // centred first: a mean far from zero would cost digits otherwise
  const scale = tf.mul(weight, tf.rsqrt(tf.add(running.variance, batchNormEpsilon)));
  return tf.add(tf.mul(tf.sub(x, running.mean), scale), bias);
}

/**
 * The running statistics after a batch, as PyTorch moves them: the running variance takes the unbiased one.
 *
 * @param rows N, how many values went into each statistic
 */
export function movedStatistics(running: Moments, moments: Moments, rows: number): Moments {
  const keep = 1 - batchNormMomentum;
  const unbiased = (batchNormMomentum * rows) / (rows - 1);
  return {
    mean: tf.add(tf.mul(running.mean, keep), tf.mul(moments.mean, batchNormMomentum)),
    variance: tf.add(tf.mul(running.variance, keep), tf.mul(moments.variance, unbiased)),
  };
}
