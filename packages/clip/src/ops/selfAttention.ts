import * as tf from "@tensorflow/tfjs";
import { attention } from "./attention.js";

interface AttentionSize {
  batch: number;
  tokens: number;
  heads: number;
}

/**
 * Multi-head self-attention between the projections: queries, keys and values side by side in, heads' outputs side by side out.
 *
 * @param qkv [B·T, 3·D]
 * @param size B samples, T tokens, H heads
 * @param mask [T, T], added to the scores, or null
 * @returns [B·T, D]
 */
export function selfAttention(qkv: tf.Tensor, size: AttentionSize, mask: tf.Tensor | null): tf.Tensor2D {
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

/**
 * The same where one token a sample asks, and all answer.
 *
 * @param q [B, D]
 * @param kv [B·T, 2·D], keys and values side by side
 * @param mask [B, T], added to the scores, or null
 * @returns [B, D]
 */
export function pooledAttention(
  q: tf.Tensor,
  kv: tf.Tensor,
  size: AttentionSize,
  mask: tf.Tensor | null,
): tf.Tensor2D {
  const { batch, tokens, heads } = size;
  const width = q.shape[1]!;
  const depth = width / heads;
  const turned = tf.transpose(tf.reshape(kv, [batch, tokens, 2 * heads, depth]), [2, 0, 1, 3]);
  const parts = tf.split(turned, 2, 0).map((part) => tf.reshape(part, [heads * batch, tokens, depth]));
  const [k, v] = parts as [tf.Tensor, tf.Tensor];
  const queries = tf.reshape(tf.transpose(tf.reshape(q, [batch, heads, depth]), [1, 0, 2]), [
    heads * batch,
    1,
    depth,
  ]);
  const masks =
    mask === null
      ? null
      : tf.reshape(tf.tile(tf.reshape(mask, [1, batch, tokens]), [heads, 1, 1]), [heads * batch, 1, tokens]);
  const mixed = tf.reshape(attention(queries, k, v, masks), [heads, batch, depth]);
  return tf.reshape(tf.transpose(mixed, [1, 0, 2]), [batch, width]);
}
