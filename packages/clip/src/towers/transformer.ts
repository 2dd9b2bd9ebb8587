import * as tf from "@tensorflow/tfjs";
import type { TextConfig, VisionConfig } from "../modelConfig.js";
import { embedding } from "../ops/embedding.js";
import { gelu, tanhGelu } from "../ops/gelu.js";
import { layerNorm } from "../ops/layerNorm.js";
import { linear } from "../ops/linear.js";
import { quickGelu } from "../ops/quickGelu.js";
import { recomputed } from "../ops/recomputed.js";
import { type AttentionExtras, pooledAttention, selfAttention } from "../ops/selfAttention.js";
import type { ParameterScope } from "../parameters.js";

export interface TransformerShape {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly layers: number;
  readonly epsilon: number;
  readonly activation: (x: tf.Tensor) => tf.Tensor;
  /** Blocks keep only their inputs for the gradient, and are computed again for it. */
  readonly recompute: boolean;
}

/** The nonlinearity of a tower's multilayer perceptrons. */
export function activationOf(tower: VisionConfig | TextConfig, quick: boolean): (x: tf.Tensor) => tf.Tensor {
  if (quick) return quickGelu;
  return tower.act_kwargs?.approximate === "tanh" ? tanhGelu : gelu;
}

/**
 * A stack of pre-norm residual attention blocks.
 *
 * @param x [B·T, D]
 * @param mask [T, T], or without `rows` [H·B, T, T]; added to the scores, or null
 * @param rows [B] int32: for each sample the one row of [B·T, D] that is wanted, where one is. The last block computes no
 *   other (of its tokens only keys and values are needed), which saves most of a block.
 * @returns [B·T, D], or with `rows` [B, D]
 */
export function transformer(
  scope: ParameterScope,
  x: tf.Tensor2D,
  shape: TransformerShape,
  mask: tf.Tensor | null,
  rows?: tf.Tensor1D,
): tf.Tensor2D {
  for (let layer = 0; layer < shape.layers; layer++) {
    const block = scope.in("resblocks").in(String(layer));
    const wanted = layer === shape.layers - 1 ? rows : undefined;
    const constants = [...(mask === null ? [] : [mask]), ...(wanted === undefined ? [] : [wanted])];
    const run = (input: tf.Tensor, given: readonly tf.Tensor[]): tf.Tensor2D => {
      const scores = mask === null ? null : given[0]!;
      return wanted === undefined
        ? residualBlock(block, input, shape, scores)
        : pooledBlock(block, input, shape, scores, given.at(-1) as tf.Tensor1D);
    };
    x = shape.recompute ? recomputed(x, block.all(), constants, run) : run(x, constants);
  }
  return x;
}

function residualBlock(
  block: ParameterScope,
  x: tf.Tensor,
  shape: TransformerShape,
  mask: tf.Tensor | null,
): tf.Tensor2D {
  const normal = norm(block, x, "ln_1", shape);
  const qkv = linear(normal, block.get("attn.in_proj_weight"), block.get("attn.in_proj_bias"));
  return perceptron(block, x, selfAttention(qkv, shape, mask, extrasOf(block, shape)), shape);
}

/** A block of which one row a sample is wanted. x [B·T, D], rows [B] → [B, D] */
function pooledBlock(
  block: ParameterScope,
  x: tf.Tensor,
  shape: TransformerShape,
  mask: tf.Tensor | null,
  rows: tf.Tensor1D,
): tf.Tensor2D {
  const { batch, tokens } = shape;
  const width = x.shape[1]!;
  const normal = norm(block, x, "ln_1", shape);
  const weight = block.get("attn.in_proj_weight");
  const bias = block.get("attn.in_proj_bias");
  const q = linear(
    embedding(normal, rows),
    tf.slice(weight, [0, 0], [width, width]),
    tf.slice(bias, 0, width),
  );
  const kv = linear(
    normal,
    tf.slice(weight, [0, width], [width, 2 * width]),
    tf.slice(bias, width, 2 * width),
  );
  const starts = tf.range(0, batch * tokens, tokens, "int32");
  const masks = mask === null ? null : tf.gather(mask, tf.sub(rows, starts));
  const mixed = pooledAttention(q, kv, shape, masks, extrasOf(block, shape));
  return perceptron(block, embedding(x, rows), mixed, shape);
}

/** What follows attention in a block: its projection, the multilayer perceptron, and both residual sums. All [N, D]. */
function perceptron(
  block: ParameterScope,
  x: tf.Tensor,
  mixed: tf.Tensor2D,
  shape: TransformerShape,
): tf.Tensor2D {
  const dense = (input: tf.Tensor, name: string): tf.Tensor2D =>
    linear(input, block.get(`${name}.weight`), block.get(`${name}.bias`));
  const scaled = (input: tf.Tensor, name: string): tf.Tensor =>
    block.has(`${name}.gamma`) ? tf.mul(input, block.get(`${name}.gamma`)) : input;

  // norms that blocks of some models have and others don't
  const normed = (input: tf.Tensor, name: string): tf.Tensor =>
    block.has(`${name}.weight`) ? norm(block, input, name, shape) : input;

  const attended = normed(dense(normed(mixed, "attn.ln_inner"), "attn.out_proj"), "ln_attn");
  x = tf.add(x, scaled(attended, "ls_1"));
  const hidden = shape.activation(dense(norm(block, x, "ln_2", shape), "mlp.c_fc"));
  return tf.add(x, scaled(dense(normed(hidden, "mlp.ln"), "mlp.c_proj"), "ls_2"));
}

/** What open_clip's custom blocks do to queries, keys and heads. */
function extrasOf(block: ParameterScope, shape: TransformerShape): AttentionExtras {
  return {
    ...(block.has("attn.ln_q.weight") && {
      queries: (q: tf.Tensor2D) => norm(block, q, "attn.ln_q", shape),
      keys: (k: tf.Tensor2D) => norm(block, k, "attn.ln_k", shape),
    }),
    ...(block.has("attn.head_scale") && { gains: block.get("attn.head_scale") }),
  };
}

function norm(block: ParameterScope, x: tf.Tensor, name: string, shape: TransformerShape): tf.Tensor2D {
  return layerNorm(x, block.get(`${name}.weight`), block.get(`${name}.bias`), shape.epsilon);
}
