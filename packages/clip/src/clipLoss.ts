import * as tf from "@tensorflow/tfjs";
import { exactMatMul } from "./ops/exactMatMul.js";
import { symmetricCrossEntropy } from "./ops/softmaxCrossEntropy.js";

/** Logits [B, B]: row i, column j compares image i with text j. Features are normalised, [B, E]; `scale` is exp(logit_scale). */
export function clipLogits(
  imageFeatures: tf.Tensor,
  textFeatures: tf.Tensor,
  scale: tf.Tensor,
  bias: tf.Tensor | null = null,
): tf.Tensor2D {
  const logits = exactMatMul(tf.mul(imageFeatures, scale), textFeatures);
  return bias === null ? logits : tf.add(logits, bias);
}

/**
 * CLIP's loss: the mean of the cross entropies of images among texts and of texts among images.
 *
 * @param imageFeatures [B, E], normalised
 * @param textFeatures [B, E], normalised
 * @param scale a scalar, exp(logit_scale)
 */
export function clipLoss(imageFeatures: tf.Tensor, textFeatures: tf.Tensor, scale: tf.Tensor): tf.Scalar {
  return symmetricCrossEntropy(clipLogits(imageFeatures, textFeatures, scale));
}

/**
 * SigLIP's loss (Zhai et al. 2023): every pair of the batch is a yes-or-no question; the sum over pairs, divided by B.
 *
 * @param imageFeatures [B, E], normalised
 * @param textFeatures [B, E], normalised
 * @param scale a scalar, exp(logit_scale)
 * @param bias a scalar, logit_bias
 */
export function siglipLoss(
  imageFeatures: tf.Tensor,
  textFeatures: tf.Tensor,
  scale: tf.Tensor,
  bias: tf.Tensor | null = null,
): tf.Scalar {
  const size = imageFeatures.shape[0];
  const signs = tf.sub(tf.mul(tf.eye(size), 2), 1);
  const logits = tf.mul(clipLogits(imageFeatures, textFeatures, scale, bias), signs);
  return tf.mul(tf.sum(tf.softplus(tf.neg(logits))), 1 / size);
}
