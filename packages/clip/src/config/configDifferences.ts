import { endOfText, vocabularySize } from "@pairloom/tokenizer";
import {
  attentionalPool,
  epsilonOf,
  hasCustomBlocks,
  hiddenWidth,
  imageSize,
  modelConfigSchema,
  type ModelConfig,
  type TextConfig,
  type VisionConfig,
} from "../modelConfig.js";

/** A field in which two configs mean different things, and what each says. */
export interface ConfigDifference {
  readonly field: string;
  readonly first: unknown;
  readonly second: unknown;
}

/**
 * In which fields two configs describe models that compute different numbers. Initial values, and different words for the
 * same thing, are no difference; preprocessing and tokenizer are compared where both say something of them.
 */
export function configDifferences(first: ModelConfig, second: ModelConfig): ConfigDifference[] {
  const [a, b] = [meaning(first), meaning(second)];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((field) => {
    const values = [a[field], b[field]];
    const isOneSided = values.includes(undefined) && saidByBoth.test(field);
    if (isOneSided || JSON.stringify(values[0]) === JSON.stringify(values[1])) return [];
    return [{ field, first: values[0] ?? null, second: values[1] ?? null }];
  });
}

/** A config that leaves out preprocessing or tokenizer leaves it to whoever says it. */
const saidByBoth = /^preprocess_cfg\.|^text_cfg\.(hf_tokenizer_name|tokenizer_mode|tokenizer_kwargs)$/;

/** A named config with what it leaves to the file's: preprocessing and tokenizer. */
export function completedBy(named: ModelConfig, file: ModelConfig): ModelConfig {
  const { hf_tokenizer_name, tokenizer_mode, tokenizer_kwargs } = file.text_cfg;
  const said = Object.entries({ hf_tokenizer_name, tokenizer_mode, tokenizer_kwargs }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  const own = Object.entries(named.text_cfg).filter(([, value]) => value !== null && value !== undefined);
  const preprocess_cfg = named.preprocess_cfg ?? file.preprocess_cfg;
  return modelConfigSchema.parse({
    ...named,
    text_cfg: { ...named.text_cfg, ...Object.fromEntries(said), ...(Object.fromEntries(own) as TextConfig) },
    ...(preprocess_cfg === undefined ? {} : { preprocess_cfg }),
  });
}

/** What of a config decides a model's numbers, by the field that says it; what is not asked for is left out. */
function meaning(config: ModelConfig): Record<string, unknown> {
  const { vision_cfg: vision, text_cfg: text, preprocess_cfg: input } = config;
  const all = {
    embed_dim: config.embed_dim,
    quick_gelu: config.quick_gelu,
    init_logit_bias: typeof config.init_logit_bias === "number" ? "a bias" : undefined,
    ...under("vision_cfg", visionMeaning(vision)),
    ...under("text_cfg", textMeaning(text)),
    ...under("preprocess_cfg", input ?? {}),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== null));
}

const under = (part: string, fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([field, value]) => [`${part}.${field}`, value as unknown]));

function visionMeaning(vision: VisionConfig): object {
  const pool = attentionalPool(vision);
  const isResNet = typeof vision.layers !== "number";
  const { layers, width, head_width, no_ln_pre, pos_embed_type, final_ln_after_pool, pool_type } = vision;
  const common = { image_size: imageSize(vision), layers, width, head_width };
  if (isResNet) return common;
  return {
    ...common,
    ...{ patch_size: vision.patch_size ?? 16, no_ln_pre, pos_embed_type, final_ln_after_pool, pool_type },
    attn_pooler_queries: pool?.queries,
    attn_pooler_heads: pool?.heads,
    ...blockMeaning(vision),
  };
}

function textMeaning(text: TextConfig): object {
  const { context_length, vocab_size, width, heads, layers, no_causal_mask, proj_bias, proj_type } = text;
  // the highest of CLIP's ids is the end of text: looking for either finds the same place
  const isHighest = text.pool_type === "eos" && text.eos_id === endOfText && vocab_size === vocabularySize;
  const seeksEnd = text.pool_type === "eos" && !isHighest;
  return {
    ...{ context_length, vocab_size, width, heads, layers, no_causal_mask, proj_bias, proj_type },
    pool_type: isHighest ? "argmax" : text.pool_type,
    eos_id: seeksEnd ? text.eos_id : undefined,
    pad_id: text.embed_cls === true ? text.pad_id : undefined,
    embed_cls: text.embed_cls === true ? true : undefined,
    hf_tokenizer_name: text.hf_tokenizer_name,
    tokenizer_mode: text.tokenizer_mode,
    tokenizer_kwargs: text.tokenizer_kwargs,
    ...blockMeaning(text),
  };
}

function blockMeaning(tower: VisionConfig | TextConfig): object {
  const { qk_norm, scale_heads, scale_attn_inner, scale_attn, scale_fc } = tower;
  const custom = { qk_norm, scale_heads, scale_attn_inner, scale_attn, scale_fc };
  return {
    mlp_ratio: hiddenWidth(tower) / tower.width,
    ls_init_value: typeof tower.ls_init_value === "number" ? "a scale" : undefined,
    "norm_kwargs.eps": epsilonOf(tower),
    "act_kwargs.approximate": tower.act_kwargs?.approximate ?? "none",
    block_type: hasCustomBlocks(tower) ? "custom" : undefined,
    ...Object.fromEntries(Object.entries(custom).filter(([, value]) => value === true)),
  };
}
