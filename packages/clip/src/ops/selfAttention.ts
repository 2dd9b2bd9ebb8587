import * as tf from "@tensorflow/tfjs";
import { attention } from "./attention.js";

interface AttentionSize {
  batch: number;
  tokens: number;
  heads: number;
}

/** What some models do between the projections besides. */
export interface AttentionExtras {
  /** Of each head's queries and keys, [N, d] → [N, d]. */
  readonly queries?: (q: tf.Tensor2D) => tf.Tensor2D;
  readonly keys?: (k: tf.Tensor2D) => tf.Tensor2D;
  /** [H, 1, 1]: what each head's output is multiplied by. */
  readonly gains?: tf.Tensor;
}

/**
 * Multi-head self-attention between the projections: queries, keys and values side by side in, heads' outputs side by side out.
 *
 * @param qkv [B·T, 3·D]
 * @param size B samples, T tokens, H heads
 * @param mask [T, T] or [H·B, T, T], added to the scores, or null
 * @returns [B·T, D]
 */
export function selfAttention(
  qkv: tf.Tensor,
  size: AttentionSize,
  mask: tf.Tensor | null,
  { queries, keys, gains }: AttentionExtras = {},
): tf.Tensor2D {
  const { batch, tokens, heads } = size;
  const width = qkv.shape[1]! / 3;
  const depth = width / heads;
  // [B, T, 3·H, d] → [3·H, B, T, d]: one transpose, then three contiguous parts
  const turned = tf.transpose(tf.reshape(qkv, [batch, tokens, 3 * heads, depth]), [2, 0, 1, 3]);
  const parts = tf.split(turned, 3, 0).map((part) => tf.reshape(part, [heads * batch, tokens, depth]));
  const [q, k, v] = parts as [tf.Tensor, tf.Tensor, tf.Tensor];
  const found = attention(changed(q, queries), changed(k, keys), v, mask);
  const mixed = tf.reshape(gained(found, heads, gains), [heads, batch, tokens, depth]);
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
  { queries, keys, gains }: AttentionExtras = {},
): tf.Tensor2D {
  const { batch, tokens, heads } = size;
  const width = q.shape[1]!;
  const depth = width / heads;
  const turned = tf.transpose(tf.reshape(kv, [batch, tokens, 2 * heads, depth]), [2, 0, 1, 3]);
  const parts = tf.split(turned, 2, 0).map((part) => tf.reshape(part, [heads * batch, tokens, depth]));
  const [k, v] = parts as [tf.Tensor, tf.Tensor];
  const asked = tf.reshape(tf.transpose(tf.reshape(q, [batch, heads, depth]), [1, 0, 2]), [
    heads * batch,
    1,
    depth,
  ]);
  const masks =
    mask === null
      ? null
      : tf.reshape(tf.tile(tf.reshape(mask, [1, batch, tokens]), [heads, 1, 1]), [heads * batch, 1, tokens]);
  const found = attention(changed(asked, queries), changed(k, keys), v, masks);
  const mixed = tf.reshape(gained(found, heads, gains), [heads, batch, depth]);
  return tf.reshape(tf.transpose(mixed, [1, 0, 2]), [batch, width]);
}

/** x [G, T, d] → [G, T, d] */
function changed(x: tf.Tensor, change: ((rows: tf.Tensor2D) => tf.Tensor2D) | undefined): tf.Tensor {
  return change === undefined ? x : tf.reshape(change(tf.reshape(x, [-1, x.shape[2]!])), x.shape);
}

/** Each head's rows multiplied by its gain. x [H·B, Q, d] → [H, B·Q, d] */
function gained(x: tf.Tensor3D, heads: number, gains: tf.Tensor | undefined): tf.Tensor {
  return gains === undefined ? x : tf.mul(tf.reshape(x, [heads, -1, x.shape[2]]), gains);
}
