import type { NamedConfig } from "./openClip.js";

const vision = { image_size: 16, patch_size: 4, width: 16, layers: 2, head_width: 8 };
const text = { context_length: 8, vocab_size: 60, width: 16, heads: 2, layers: 2 };
const resnet = { image_size: 64, width: 8, layers: [1, 2, 1, 1], head_width: 32 };

const model = (name: string, visionMore: object, textMore: object = {}, more: object = {}): NamedConfig => ({
  name: name.replaceAll(" ", "-"),
  config: {
    embed_dim: 12,
    vision_cfg: { ...vision, ...visionMore },
    text_cfg: { ...text, ...textMore },
    ...more,
  },
});

/** Small models that between them set every field that a config may set to every value that changes the computation. */
export const variants: readonly NamedConfig[] = [
  model("plain", {}),
  model("quick gelu", {}, {}, { quick_gelu: true }),
  model("non-square image", { image_size: [18, 9] }),
  model("heads that head_width does not divide", { width: 20, head_width: 9 }),
  model("patch dropout", { patch_dropout: 0.4 }, {}, { quick_gelu: true }),
  model("layer scale and no ln_pre", { ls_init_value: 0.1, no_ln_pre: true }, { ls_init_value: 0.1 }),
  model("mean pool after the norm", { pool_type: "avg" }, { pool_type: "first", no_causal_mask: true }),
  model("mean pool before the norm", { pool_type: "avg", final_ln_after_pool: true }, { pool_type: "last" }),
  model("class token with the norm after", { final_ln_after_pool: true }, { final_ln_after_pool: true }),
  model("sines and eos", { pos_embed_type: "sin_cos_2d" }, { pool_type: "eos", eos_id: 3 }),
  model("epsilons", { norm_kwargs: { eps: 1e-2 } }, { norm_kwargs: { eps: 1e-3 } }),
  model(
    "siglip",
    { act_kwargs: { approximate: "tanh" } },
    { act_kwargs: { approximate: "tanh" }, no_causal_mask: true, proj_bias: true, pool_type: "last" },
    { init_logit_bias: -3, init_logit_scale: 1.5, custom_text: true },
  ),
  model("no projection", { mlp_ratio: 2.6 }, { proj_type: "none", width: 12, heads: 3, mlp_ratio: 1.7 }),
  model("attentional pool", { attentional_pool: true, attn_pooler_queries: 5, attn_pooler_heads: 3 }),
  model(
    "attentional pool of equal width",
    {
      width: 12,
      head_width: 6,
      attentional_pool: true,
      attn_pooler_queries: 4,
      attn_pooler_heads: 2,
      pool_type: "avg",
    },
    {},
    { quick_gelu: true },
  ),
  model("class token of the text", {}, { embed_cls: true, pad_id: 1 }, { custom_text: true }),
  model(
    "class token of the text without a causal mask",
    {},
    { embed_cls: true, no_causal_mask: true, proj_bias: true },
    { custom_text: true },
  ),
  model("norms of queries and keys", { qk_norm: true, norm_kwargs: { eps: 1e-3 } }, { qk_norm: true }),
  model(
    "scales",
    { scale_heads: true, scale_attn: true, ls_init_value: 0.5 },
    { scale_attn_inner: true, scale_fc: true, scale_heads: true },
  ),
  model(
    "custom blocks throughout",
    { block_type: "custom", scale_attn_inner: true, scale_fc: true },
    { block_type: "custom", scale_attn: true },
  ),
  { name: "resnet", config: { embed_dim: 12, vision_cfg: resnet, text_cfg: text } },
  {
    name: "odd-resnet",
    config: {
      ...{ embed_dim: 12, quick_gelu: true, init_logit_bias: -2 },
      vision_cfg: { ...resnet, image_size: 70, width: 5, head_width: 31 },
      text_cfg: text,
    },
  },
];
