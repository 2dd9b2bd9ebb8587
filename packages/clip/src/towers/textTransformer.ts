import * as tf from "@tensorflow/tfjs";
import { epsilonOf, textTokens, type TextConfig } from "../modelConfig.js";
import { causalMask, paddingMask } from "../ops/attention.js";
import { embedding } from "../ops/embedding.js";
import { layerNorm } from "../ops/layerNorm.js";
import { linear } from "../ops/linear.js";
import type { ParameterScope } from "../parameters.js";
import { activationOf, transformer } from "./transformer.js";

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
  const { width, heads } = text;
  const words = embedding(root.get("token_embedding.weight"), tf.reshape(tokens, [batch * length]));
  const sequence = withOwnToken(tf.reshape(words, [batch, length, width]), root, text);
  const all = sequence.shape[1];
  const placed = tf.add(sequence, root.get("positional_embedding"));
  const epsilon = epsilonOf(text);
  // a layer norm looks at one token only: taking the pooled token first is the same and cheaper
  const wanted = pooledRows(text, tokens);
  const ownMask = text.embed_cls === true;
  const x = transformer(
    root.in("transformer"),
    tf.reshape(placed, [batch * all, width]),
    {
      ...{ batch, tokens: all, heads, layers: text.layers, epsilon, recompute },
      activation: activationOf(text, quick),
    },
    maskOf(text, tokens),
    // a mask of each text's own is one of all its tokens
    ownMask ? undefined : wanted,
  );
  const taken = ownMask ? embedding(x, wanted) : x;
  const pooled = layerNorm(taken, root.get("ln_final.weight"), root.get("ln_final.bias"), epsilon);
  if (text.proj_type === "none") return pooled;
  if (text.proj_bias) {
    return linear(pooled, root.get("text_projection.weight"), root.get("text_projection.bias"));
  }
  return tf.matMul(pooled, root.get("text_projection"));
}

/** The words [B, T, D], and behind them the token that some models have for the whole text: [B, T + 1, D]. */
function withOwnToken(words: tf.Tensor<tf.Rank.R3>, root: ParameterScope, text: TextConfig): tf.Tensor3D {
  if (text.embed_cls !== true) return words;
  const [batch, , width] = words.shape;
  const one: tf.Tensor3D = tf.reshape(root.get("cls_emb"), [1, 1, width]);
  return tf.concat([words, tf.broadcastTo(one, [batch, 1, width])], 1);
}

/** Which tokens see which: [T, T], or [H·B, T, T] where it depends on the text; null where all see all. */
function maskOf(text: TextConfig, tokens: tf.Tensor2D): tf.Tensor | null {
  const causal = text.no_causal_mask ? null : causalMask(textTokens(text));
  if (text.embed_cls !== true) return causal;
  // each token's place in the mask is one further on, as in open_clip and CoCa's weights: the first is always seen
  const isWord = tf.cast(tf.notEqual(tokens, tf.scalar(text.pad_id, "int32")), "float32");
  const padding = paddingMask(tf.concat([tf.ones([tokens.shape[0], 1]), isWord], 1), text.heads);
  return causal === null ? padding : tf.add(causal, padding);
}

/** For each sample, the row of [B·T, D] that stands for the text. */
function pooledRows(text: TextConfig, tokens: tf.Tensor2D): tf.Tensor1D {
  const [batch] = tokens.shape;
  const all = textTokens(text);
  const starts = tf.range(0, batch * all, all, "int32");
  switch (text.embed_cls === true ? "last" : text.pool_type) {
    case "first":
      return starts;
    case "last":
      return tf.add(starts, tf.scalar(all - 1, "int32"));
    case "argmax":
      return tf.add(starts, tf.argMax(tokens, 1));
    case "eos": {
      const found = tf.cast(tf.equal(tokens, tf.scalar(text.eos_id, "int32")), "int32");
      return tf.add(starts, tf.argMax(found, 1));
    }
  }
}
