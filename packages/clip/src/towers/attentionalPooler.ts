import * as tf from "@tensorflow/tfjs";
import { attention } from "../ops/attention.js";
import { layerNorm } from "../ops/layerNorm.js";
import { linear } from "../ops/linear.js";
import type { ParameterScope } from "../parameters.js";

/** Of the norms of queries and keys, whatever the tower's other norms have, as in open_clip. */
const epsilon = 1e-5;

/**
 * Learned queries that attend to a tower's tokens (Yu et al. 2022, CoCa).
 *
 * @param x [B·T, D]
 * @param size B samples, H heads; the queries `from` up to but without `to` are asked alone
 * @returns [B·Q, E], Q = to − from
 */
export function attentionalPooler(
  pool: ParameterScope,
  x: tf.Tensor2D,
  size: { batch: number; heads: number; from: number; to: number },
): tf.Tensor2D {
  const { batch, heads, from, to } = size;
  const queries = to - from;
  const tokens = x.shape[0] / batch;
  const norm = (rows: tf.Tensor, name: string): tf.Tensor2D =>
    layerNorm(rows, pool.get(`${name}.weight`), pool.get(`${name}.bias`), epsilon);
  const attn = pool.in("attn");
  const weights = attn.has("in_proj_weight")
    ? tf.split(attn.get("in_proj_weight"), 3, 1)
    : ["q", "k", "v"].map((name) => attn.get(`${name}_proj_weight`));
  const biases = tf.split(attn.get("in_proj_bias"), 3);
  const asked = tf.slice(pool.get("query"), [from, 0], [queries, -1]);
  const keys = norm(x, "ln_k");
  const [q, k, v] = [norm(asked, "ln_q"), keys, keys].map((rows, i) =>
    linear(rows, weights[i]!, biases[i]!),
  ) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
  const width = q.shape[1];
  const depth = width / heads;
  // [B, T, H, d] → [B·H, T, d]
  const split = (rows: tf.Tensor2D): tf.Tensor3D =>
    tf.reshape(tf.transpose(tf.reshape(rows, [batch, tokens, heads, depth]), [0, 2, 1, 3]), [
      batch * heads,
      tokens,
      depth,
    ]);
  const turned = tf.transpose(tf.reshape(q, [queries, heads, depth]), [1, 0, 2]);
  const mixed = attention(tf.tile(turned, [batch, 1, 1]), split(k), split(v));
  const joined = tf.transpose(tf.reshape(mixed, [batch, heads, queries, depth]), [0, 2, 1, 3]);
  const rows = tf.reshape(joined, [batch * queries, width]);
  return linear(rows, attn.get("out_proj.weight"), attn.get("out_proj.bias"));
}
