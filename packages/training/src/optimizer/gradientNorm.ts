import * as tf from "@tensorflow/tfjs";

/** The global norm over all gradients: a scalar. */
export function gradientNorm(gradients: Iterable<tf.Tensor>): tf.Scalar {
  return tf.tidy(() => {
    const squares = [...gradients].map((gradient) => tf.sum(tf.square(gradient)).as1D());
    return tf.sqrt(tf.sum(tf.concat(squares))).asScalar();
  });
}

/** What the gradients are multiplied by so that their norm is at most `max` (as PyTorch's clip_grad_norm_). */
export function clipScale(norm: number, max: number | null): number {
  return max === null ? 1 : Math.min(1, max / (norm + 1e-6));
}
