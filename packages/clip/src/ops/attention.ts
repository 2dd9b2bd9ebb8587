import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";

/**
 * Scaled dot-product attention, softmax(q·kᵀ/√d + mask)·v, for G heads of all samples at once.
 *
 * @param q [G, Q, d]
 * @param k [G, T, d]
 * @param v [G, T, d]
 * @param mask [Q, T] or [G, Q, T], added to the scores, or null
 * @returns [G, Q, d]
 */
export function attention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  mask: tf.Tensor | null = null,
): tf.Tensor3D {
  const scale = 1 / Math.sqrt(q.shape[2]!);
  return differentiable(
    [q, k, v],
    () => {
      const scaled = tf.mul(q, scale);
      const scores = tf.matMul(scaled, k, false, true);
      const weights = tf.softmax(mask === null ? scores : tf.add(scores, mask));
      const value: tf.Tensor3D = tf.matMul(weights, v);
      return { value, saved: [scaled, k, v, weights, value] };
    },
    (dy, [scaled, k, v, weights, value]) => {
      const dWeights = tf.matMul(dy, v!, false, true);
      // Σ over T of dWeights · weights equals Σ over d of dy · value, which is smaller
      const along = tf.sum(tf.mul(dy, value!), 2, true);
      const dScores = tf.mul(weights!, tf.sub(dWeights, along));
      return [
        tf.mul(tf.matMul(dScores, k!), scale),
        tf.matMul(dScores, scaled!, true, false),
        tf.matMul(weights!, dy, true, false),
      ];
    },
  );
}

/**
 * Additive mask [H·B, 1, T] that hides padding from every head: where `isSeen` [B, T], float32, is zero.
 */
export function paddingMask(isSeen: tf.Tensor, heads: number): tf.Tensor3D {
  const [batch, tokens] = isSeen.shape as [number, number];
  const hidden = tf.mul(tf.sub(isSeen, 1), 1e9);
  return tf.tile(tf.reshape(hidden, [batch, 1, tokens]), [heads, 1, 1]);
}

/** Additive mask [T, T] that hides what comes later. −10⁹ and not −∞: some back ends' softmax can't take it. */
export function causalMask(tokens: number): tf.Tensor2D {
  const values = new Float32Array(tokens * tokens);
  for (let row = 0; row < tokens; row++) values.fill(-1e9, row * tokens + row + 1, (row + 1) * tokens);
  return tf.tensor2d(values, [tokens, tokens]);
}
