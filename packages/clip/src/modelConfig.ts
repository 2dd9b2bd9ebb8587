import { z } from "zod";
import { preprocessConfigSchema } from "./preprocessConfig.js";

/** Limits far above any CLIP there is: what lies beyond is a slip of the pen, and is refused before memory is spent. */
const width = z.int().min(1).max(65_536);
const layers = z.int().min(1).max(1_000);
const side = z.int().min(1).max(16_384);
const count = z.int().min(1).max(16_777_216);
const ratio = z.number().positive().max(1_024);
const flag = z.boolean();

const normArguments = z.strictObject({ eps: z.number().positive().max(1).optional() });
const activationArguments = z.strictObject({ approximate: z.enum(["none", "tanh"]).optional() });

/** What open_clip calls custom attention blocks. */
const customBlock = {
  block_type: z.enum(["default", "custom"]).nullish(),
  qk_norm: flag.optional(),
  scale_heads: flag.optional(),
  scale_attn_inner: flag.optional(),
  scale_attn: flag.optional(),
  scale_fc: flag.optional(),
};

/** The image tower: `layers` is a number for a vision transformer, four numbers for a ModifiedResNet. */
const visionConfig = z.strictObject({
  image_size: z
    .union([side, z.tuple([side, side])], `expected pixels from 1 to 16384, or [height, width]`)
    .default(224),
  layers: z
    .union([layers, z.tuple([layers, layers, layers, layers])], {
      error: "expected a number from 1 to 1000 for a vision transformer, or four for a ResNet's stages",
    })
    .default(12),
  width: width.default(768),
  head_width: width.default(64),
  patch_size: side.nullish(),
  mlp_ratio: ratio.default(4),
  ls_init_value: z.number().nullish(),
  /** Share of the patches that a training step does without. */
  patch_dropout: z.number().min(0).lt(1).optional(),
  no_ln_pre: flag.default(false),
  pos_embed_type: z.enum(["learnable", "sin_cos_2d"]).default("learnable"),
  final_ln_after_pool: flag.default(false),
  pool_type: z.enum(["tok", "avg"]).default("tok"),
  attentional_pool: flag.optional(),
  attn_pooler_queries: z.int().min(1).max(65_536).optional(),
  attn_pooler_heads: width.optional(),
  output_tokens: z.literal(false).optional(),
  norm_kwargs: normArguments.nullish(),
  act_kwargs: activationArguments.nullish(),
  ...customBlock,
});

const textConfig = z.strictObject({
  context_length: side.default(77),
  vocab_size: count.default(49408),
  width: width.default(512),
  heads: width.default(8),
  layers: layers.default(12),
  mlp_ratio: ratio.default(4),
  ls_init_value: z.number().nullish(),
  pad_id: z.int().min(0).default(0),
  eos_id: z.int().min(0).default(2),
  no_causal_mask: flag.default(false),
  /** Of no effect, as in open_clip: the norm looks at one token only. */
  final_ln_after_pool: flag.optional(),
  pool_type: z.enum(["argmax", "first", "last", "eos"]).default("argmax"),
  proj_bias: flag.default(false),
  proj_type: z.enum(["linear", "none"]).default("linear"),
  /** A token of its own behind the text, which sees all of it but padding and is pooled. */
  embed_cls: flag.optional(),
  output_tokens: z.literal(false).optional(),
  norm_kwargs: normArguments.nullish(),
  act_kwargs: activationArguments.nullish(),
  ...customBlock,
  /** Which tokenizer the model was made for; not ours to run, kept for the record. */
  hf_tokenizer_name: z.string().nullish(),
  tokenizer_mode: z.string().nullish(),
  tokenizer_kwargs: z.record(z.string(), z.unknown()).nullish(),
});

/** A CLIP model in open_clip's schema. */
export const modelConfigSchema = z.strictObject({
  embed_dim: width,
  vision_cfg: visionConfig,
  text_cfg: textConfig,
  quick_gelu: flag.default(false),
  /** The text tower's tensors are named `text.…`; the mathematics is the same. */
  custom_text: flag.optional(),
  init_logit_scale: z.number().optional(),
  /** Present for SigLIP's loss: adds the parameter `logit_bias`. */
  init_logit_bias: z.number().nullish(),
  /** How its images are made, where something says it: open_clip keeps this beside the model's config. */
  preprocess_cfg: preprocessConfigSchema.optional(),
});

export type ModelConfig = z.infer<typeof modelConfigSchema>;
export type VisionConfig = ModelConfig["vision_cfg"];
export type TextConfig = ModelConfig["text_cfg"];

/** Height and width of the images that the tower takes. */
export function imageSize(vision: VisionConfig): [height: number, width: number] {
  return typeof vision.image_size === "number" ? [vision.image_size, vision.image_size] : vision.image_size;
}

/** Heads of the vision transformer's attention, or of the ResNet's attention pool. */
export function visionHeads(vision: VisionConfig): number {
  const width = typeof vision.layers === "number" ? vision.width : vision.width * 32;
  return Math.floor(width / vision.head_width);
}

/** Rows and columns of the vision transformer's patches. */
export function patchGrid(vision: VisionConfig): [rows: number, columns: number] {
  const [height, width] = imageSize(vision);
  const patch = vision.patch_size ?? 16;
  return [Math.floor(height / patch), Math.floor(width / patch)];
}

/** Width of a transformer's perceptrons. */
export function hiddenWidth(tower: Pick<VisionConfig, "width" | "mlp_ratio">): number {
  return Math.trunc(tower.width * tower.mlp_ratio);
}

/** The epsilon of a tower's layer norms. */
export function epsilonOf(tower: VisionConfig | TextConfig): number {
  return tower.norm_kwargs?.eps ?? 1e-5;
}

/** Whether a tower's blocks are what open_clip calls custom: a norm or a gain more here and there. */
export function hasCustomBlocks(tower: VisionConfig | TextConfig): boolean {
  if (typeof tower.block_type === "string") return tower.block_type === "custom";
  const { qk_norm, scale_heads, scale_attn_inner, scale_attn, scale_fc } = tower;
  return [qk_norm, scale_heads, scale_attn_inner, scale_attn, scale_fc].includes(true);
}

/** Queries and heads of the pool by attention; null where the tower has none. */
export function attentionalPool(vision: VisionConfig): { queries: number; heads: number } | null {
  if (vision.attentional_pool !== true) return null;
  return { queries: vision.attn_pooler_queries ?? 256, heads: vision.attn_pooler_heads ?? 8 };
}

/** Tokens that the text transformer works on: the text's, and the one of its own behind them where there is one. */
export function textTokens(text: TextConfig): number {
  return text.context_length + (text.embed_cls === true ? 1 : 0);
}
