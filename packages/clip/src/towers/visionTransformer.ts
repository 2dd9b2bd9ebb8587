import * as tf from "@tensorflow/tfjs";
import { attentionalPool, epsilonOf, patchGrid, visionHeads, type VisionConfig } from "../modelConfig.js";
import { embedding } from "../ops/embedding.js";
import { layerNorm } from "../ops/layerNorm.js";
import type { ParameterScope } from "../parameters.js";
import { attentionalPooler } from "./attentionalPooler.js";
import { activationOf, transformer } from "./transformer.js";

/**
 * A vision transformer with class token, as OpenAI's and open_clip's.
 *
 * @param images [B, H, W, 3], normalised
 * @param options.keptPatches [B, K] int32: the patches that each image keeps (patch dropout, Li et al. 2022)
 * @returns [B, E], not normalised
 */
export function visionTransformer(
  visual: ParameterScope,
  vision: VisionConfig,
  quick: boolean,
  images: tf.Tensor4D,
  { recompute = false, keptPatches }: { recompute?: boolean; keptPatches?: tf.Tensor2D } = {},
): tf.Tensor2D {
  const batch = images.shape[0];
  const { width } = vision;
  const pool = attentionalPool(vision);
  const patches = patchEmbedding(images, visual.get("conv1.weight"), vision);
  const grid = patchGrid(vision);
  const all = grid[0] * grid[1] + 1;
  const tokens = keptPatches === undefined ? all : keptPatches.shape[1] + 1;
  const start = tf.broadcastTo(tf.reshape(visual.get("class_embedding"), [1, 1, width]), [batch, 1, width]);
  const sequence = tf.concat([start, tf.reshape(patches, [batch, all - 1, width])], 1);
  const placed = tf.add(sequence, visual.get("positional_embedding"));

  const epsilon = epsilonOf(vision);
  const norm = (x: tf.Tensor, name: string): tf.Tensor2D =>
    layerNorm(x, visual.get(`${name}.weight`), visual.get(`${name}.bias`), epsilon);
  const rows: tf.Tensor2D = tf.reshape(placed, [batch * all, width]);
  let x = keptPatches === undefined ? rows : embedding(rows, keptRows(keptPatches, all));
  if (!vision.no_ln_pre) x = norm(x, "ln_pre");
  x = transformer(
    visual.in("transformer"),
    x,
    {
      batch,
      tokens,
      heads: visionHeads(vision),
      layers: vision.layers as number,
      epsilon,
      activation: activationOf(vision, quick),
      recompute,
    },
    null,
    // a layer norm looks at one token only: taking the class token first is the same and cheaper
    vision.pool_type === "tok" && pool === null ? tf.range(0, batch * tokens, tokens, "int32") : undefined,
  );
  if (pool === null) return tf.matMul(pooled(x, vision, batch, tokens, norm), visual.get("proj"));
  // what the other queries would find is not looked at
  const [from, to] = vision.pool_type === "avg" ? [1, pool.queries] : [0, 1];
  const found = attentionalPooler(visual.in("attn_pool"), x, { batch, heads: pool.heads, from, to });
  const answers = tf.reshape(norm(found, "ln_post"), [batch, to - from, found.shape[1]]);
  const mean: tf.Tensor2D = tf.mean(answers, 1);
  return tf.matMul(mean, visual.get("proj"));
}

/** Rows of [B·T, D] that stay: each image's class token and its kept patches. [B·(K + 1)] int32 */
function keptRows(keptPatches: tf.Tensor2D, tokens: number): tf.Tensor1D {
  const [batch, kept] = keptPatches.shape;
  const firsts = tf.reshape(tf.range(0, batch * tokens, tokens, "int32"), [batch, 1]);
  const patches = tf.add(tf.add(keptPatches, tf.scalar(1, "int32")), firsts);
  return tf.reshape(tf.concat([firsts, patches], 1), [batch * (kept + 1)]);
}

/** From the class tokens [B, D], or from all [B·T, D] the mean of the others: normalised before or after. */
function pooled(
  x: tf.Tensor2D,
  vision: VisionConfig,
  batch: number,
  tokens: number,
  norm: (x: tf.Tensor, name: string) => tf.Tensor2D,
): tf.Tensor2D {
  if (vision.pool_type === "tok") return norm(x, "ln_post");
  const source = vision.final_ln_after_pool ? x : norm(x, "ln_post");
  const sequence: tf.Tensor3D = tf.reshape(source, [batch, tokens, vision.width]);
  const mean: tf.Tensor2D = tf.mean(tf.slice(sequence, [0, 1, 0], [batch, tokens - 1, vision.width]), 1);
  return vision.final_ln_after_pool ? norm(mean, "ln_post") : mean;
}

/**
 * The stride-P convolution of a vision transformer as one matrix product.
 *
 * @param images [B, H, W, 3]
 * @param kernel [P, P, 3, D]
 * @returns [B·N, D], patches row by row
 */
function patchEmbedding(images: tf.Tensor4D, kernel: tf.Tensor, vision: VisionConfig): tf.Tensor2D {
  const [batch, height, width] = images.shape;
  const patch = vision.patch_size ?? 16;
  const [rows, columns] = patchGrid(vision);
  const whole = height === rows * patch && width === columns * patch;
  const used = whole ? images : tf.slice(images, [0, 0, 0, 0], [batch, rows * patch, columns * patch, 3]);
  const strips = tf.reshape(used, [batch * rows, patch, columns, patch * 3]);
  const patches = tf.reshape(tf.transpose(strips, [0, 2, 1, 3]), [batch * rows * columns, patch * patch * 3]);
  return tf.matMul(patches, tf.reshape(kernel, [patch * patch * 3, vision.width]));
}
