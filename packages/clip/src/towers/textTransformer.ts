import * as tf from "@tensorflow/tfjs";
import type { TextConfig } from "../modelConfig.js";
import { causalMask } from "../ops/attention.js";
import { embedding } from "../ops/embedding.js";
import { layerNorm } from "../ops/layerNorm.js";
import { linear } from "../ops/linear.js";
import type { ParameterScope } from "../parameters.js";
import { activationOf, epsilonOf, transformer } from "./transformer.js";

/**
 * CLIP's text tower.
 *
 * @param tokens [B, T] int32, T the context length
 * @returns [B, E], not normalised
 */
export function textTransformer(
  root: ParameterScope,
  text: TextConfig,
  quick: boolean,
  tokens: tf.Tensor2D,
  { recompute = false }: { recompute?: boolean } = {},
): tf.Tensor2D {
  const [batch, length] = tokens.shape;
  const { width } = text;
  const words = embedding(root.get("token_embedding.weight"), tf.reshape(tokens, [batch * length]));
  const placed = tf.add(tf.reshape(words, [batch, length, width]), root.get("positional_embedding"));
  const epsilon = epsilonOf(text);
  // a layer norm looks at one token only: taking the pooled token first is the same and cheaper
  const taken = transformer(
    root.in("transformer"),
    tf.reshape(placed, [batch * length, width]),
    {
      batch,
      tokens: length,
      heads: text.heads,
      layers: text.layers,
      epsilon,
      activation: activationOf(text, quick),
      recompute,
    },
    text.no_causal_mask ? null : causalMask(length),
    pooledRows(text, tokens),
  );
  const pooled = layerNorm(taken, root.get("ln_final.weight"), root.get("ln_final.bias"), epsilon);
  if (text.proj_type === "none") return pooled;
  if (text.proj_bias) {
    return linear(pooled, root.get("text_projection.weight"), root.get("text_projection.bias"));
  }
  return tf.matMul(pooled, root.get("text_projection"));
}

/** For each sample, the row of [B·T, D] that stands for the text. */
function pooledRows(text: TextConfig, tokens: tf.Tensor2D): tf.Tensor1D {
  const [batch, length] = tokens.shape;
  const starts = tf.range(0, batch * length, length, "int32");
  switch (text.pool_type) {
    case "first":
      return starts;
    case "last":
      return tf.add(starts, tf.scalar(length - 1, "int32"));
    case "argmax":
      return tf.add(starts, tf.argMax(tokens, 1));
    case "eos": {
      const found = tf.cast(tf.equal(tokens, tf.scalar(text.eos_id, "int32")), "int32");
      return tf.add(starts, tf.argMax(found, 1));
    }
  }
}
