import * as tf from "@tensorflow/tfjs";
import { attention } from "./attention.js";

/**
 * Multi-head self-attention between the projections: queries, keys and values side by side in, heads' outputs side by side out.
 *
 * @param qkv [B·T, 3·D]
 * @param size B samples, T tokens, H heads
 * @param mask [T, T], added to the scores, or null
 * @returns [B·T, D]
 */
export function selfAttention(
  qkv: tf.Tensor,
  size: { batch: number; tokens: number; heads: number },
  mask: tf.Tensor | null,
): tf.Tensor2D {
  const { batch, tokens, heads } = size;
  const width = qkv.shape[1]! / 3;
  const depth = width / heads;
  // [B, T, 3·H, d] → [3·H, B, T, d]: one transpose, then three contiguous parts
  const turned = tf.transpose(tf.reshape(qkv, [batch, tokens, 3 * heads, depth]), [2, 0, 1, 3]);
  const parts = tf.split(turned, 3, 0).map((part) => tf.reshape(part, [heads * batch, tokens, depth]));
  const [q, k, v] = parts as [tf.Tensor, tf.Tensor, tf.Tensor];
  const mixed = tf.reshape(attention(q, k, v, mask), [heads, batch, tokens, depth]);
  return tf.reshape(tf.transpose(mixed, [1, 2, 0, 3]), [batch * tokens, width]);
}
