import * as tf from "@tensorflow/tfjs";
import type { TextConfig, VisionConfig } from "../modelConfig.js";
import { gelu, tanhGelu } from "../ops/gelu.js";
import { layerNorm } from "../ops/layerNorm.js";
import { linear } from "../ops/linear.js";
import { quickGelu } from "../ops/quickGelu.js";
import { recomputed } from "../ops/recomputed.js";
import { selfAttention } from "../ops/selfAttention.js";
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

/** The epsilon of a tower's layer norms. */
export function epsilonOf(tower: VisionConfig | TextConfig): number {
  return tower.norm_kwargs?.eps ?? 1e-5;
}

/** A stack of pre-norm residual attention blocks. x [B·T, D] → [B·T, D]; mask [T, T] or null. */
export function transformer(
  scope: ParameterScope,
  x: tf.Tensor2D,
  shape: TransformerShape,
  mask: tf.Tensor | null,
): tf.Tensor2D {
  for (let layer = 0; layer < shape.layers; layer++) {
    const block = scope.in("resblocks").in(String(layer));
    x = shape.recompute
      ? recomputed(x, block.all(), mask === null ? [] : [mask], (input, [kept]) =>
          residualBlock(block, input, shape, kept ?? null),
        )
      : residualBlock(block, x, shape, mask);
  }
  return x;
}

function residualBlock(
  block: ParameterScope,
  x: tf.Tensor,
  shape: TransformerShape,
  mask: tf.Tensor | null,
): tf.Tensor2D {
  const dense = (input: tf.Tensor, name: string): tf.Tensor2D =>
    linear(input, block.get(`${name}.weight`), block.get(`${name}.bias`));
  const norm = (input: tf.Tensor, name: string): tf.Tensor2D =>
    layerNorm(input, block.get(`${name}.weight`), block.get(`${name}.bias`), shape.epsilon);
  const scaled = (input: tf.Tensor2D, name: string): tf.Tensor2D =>
    block.has(`${name}.gamma`) ? tf.mul(input, block.get(`${name}.gamma`)) : input;

  const qkv = linear(norm(x, "ln_1"), block.get("attn.in_proj_weight"), block.get("attn.in_proj_bias"));
  x = tf.add(x, scaled(dense(selfAttention(qkv, shape, mask), "attn.out_proj"), "ls_1"));
  const hidden = shape.activation(dense(norm(x, "ln_2"), "mlp.c_fc"));
  return tf.add(x, scaled(dense(hidden, "mlp.c_proj"), "ls_2"));
}
