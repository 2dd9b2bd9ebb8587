import {
  attentionalPool,
  hasCustomBlocks,
  hiddenWidth,
  imageSize,
  patchGrid,
  visionHeads,
  type ModelConfig,
  type TextConfig,
  type VisionConfig,
} from "../modelConfig.js";
import { modelSize } from "../modelSize.js";
import { resnetGrid } from "../resnetGrid.js";
import type { Fail } from "./foreignTowers.js";

/** More than any machine's memory holds with its gradients; the largest CLIPs have five thousand million. */
const mostParameters = 100e9;

/** What the schema alone can't see: fields that contradict each other, and sizes that only together are too much. */
export function checkAgreement(config: ModelConfig, fail: Fail): void {
  const { vision_cfg: vision, text_cfg: text } = config;
  checkText(config, fail);
  if (typeof vision.layers === "number") {
    checkVisionTransformer(vision, config.embed_dim, fail);
    checkBlocks("vision_cfg", vision, config.quick_gelu, fail);
  } else checkResNet(vision, fail);
  checkBlocks("text_cfg", text, config.quick_gelu, fail);
  const parameters = modelSize(config).parameters;
  if (parameters > mostParameters) {
    const [value, most] = [parameters, mostParameters].map(
      (size) => `${(size / 1e9).toFixed(0)} thousand million`,
    );
    fail("(whole file)", `the model would have ${value} parameters; at most ${most} are taken`);
  }
}

function checkText({ text_cfg: text, embed_dim: embedDim, custom_text }: ModelConfig, fail: Fail): void {
  if (text.width % text.heads !== 0) {
    fail("text_cfg.heads", `must divide text_cfg.width ${text.width}, got ${text.heads}`);
  }
  if (text.proj_type === "none") {
    if (text.width !== embedDim) {
      fail("text_cfg.proj_type", `"none" needs text_cfg.width ${text.width} to equal embed_dim ${embedDim}`);
    }
    if (text.proj_bias) fail("text_cfg.proj_bias", `true, but proj_type "none" has no projection`);
  }
  if (text.pool_type === "eos" && text.eos_id >= text.vocab_size) {
    fail("text_cfg.eos_id", `must be below text_cfg.vocab_size ${text.vocab_size}, got ${text.eos_id}`);
  }
  if (text.embed_cls === true && custom_text !== true) {
    fail("text_cfg.embed_cls", "needs `custom_text`: true; open_clip's plain CLIP knows no such token");
  }
}

function checkVisionTransformer(vision: VisionConfig, embedDim: number, fail: Fail): void {
  if (vision.patch_size === null) fail("vision_cfg.patch_size", "null is for ResNets; give pixels");
  const patch = (vision.patch_size ??= 16);
  const [height, width] = imageSize(vision);
  if (patch > Math.min(height, width)) {
    fail("vision_cfg.patch_size", `${patch} is larger than the image, ${height}×${width}`);
  }
  const heads = visionHeads(vision);
  if (heads < 1 || vision.width % heads !== 0) {
    const found = `${vision.width} / ${vision.head_width} makes ${heads} heads`;
    fail("vision_cfg.head_width", `vision_cfg.width must be a multiple of its heads; ${found}`);
  }
  if (vision.pos_embed_type === "sin_cos_2d") {
    const [rows, columns] = patchGrid(vision);
    if (rows !== columns || vision.width % 4 !== 0) {
      const found = `${rows}×${columns} of width ${vision.width}`;
      fail(
        "vision_cfg.pos_embed_type",
        `sin_cos_2d needs as many rows as columns of patches, of a width divisible by 4; got ${found}`,
      );
    }
  }
  const pool = attentionalPool(vision);
  if (pool === null) return;
  if (embedDim % pool.heads !== 0) {
    fail("vision_cfg.attn_pooler_heads", `must divide embed_dim ${embedDim}, got ${pool.heads}`);
  }
  if (vision.pool_type === "avg" && pool.queries < 2) {
    fail(
      "vision_cfg.attn_pooler_queries",
      `pool_type "avg" leaves out the first of ${pool.queries}: none is left`,
    );
  }
}

function checkBlocks(
  part: "vision_cfg" | "text_cfg",
  tower: VisionConfig | TextConfig,
  quick: boolean,
  fail: Fail,
): void {
  if (hiddenWidth(tower) < 1) {
    fail(`${part}.mlp_ratio`, `makes perceptrons of width 0 from ${part}.width ${tower.width}`);
  }
  if (quick && tower.act_kwargs?.approximate !== undefined) {
    fail(`${part}.act_kwargs`, "contradicts quick_gelu, which takes no arguments; leave out one of the two");
  }
  if (tower.block_type === "default" && hasCustomBlocks({ ...tower, block_type: null })) {
    fail(`${part}.block_type`, `"default" contradicts the custom block's fields; leave out one of the two`);
  }
}

/** Fields that a ResNet has no use for, each with the value that changes nothing. */
const ofTransformers = {
  ...{ patch_dropout: 0, ls_init_value: null, no_ln_pre: false, final_ln_after_pool: false },
  ...{
    pos_embed_type: "learnable",
    pool_type: "tok",
    attentional_pool: false,
    norm_kwargs: null,
    act_kwargs: null,
  },
  ...{ qk_norm: false, scale_heads: false, scale_attn_inner: false, scale_attn: false, scale_fc: false },
} as const;

function checkResNet(vision: VisionConfig, fail: Fail): void {
  for (const [field, idle] of Object.entries(ofTransformers)) {
    const value = vision[field as keyof typeof ofTransformers] ?? idle;
    if (value !== idle) fail(`vision_cfg.${field}`, "is for vision transformers; leave it out for a ResNet");
  }
  if (typeof vision.image_size !== "number") {
    return fail("vision_cfg.image_size", "must be one number for a ResNet");
  }
  const size = vision.image_size;
  const grid = resnetGrid(size);
  if (grid < 1 || grid !== Math.floor(size / 32)) {
    fail("vision_cfg.image_size", `must be a multiple of 32 for a ResNet, got ${size}`);
  }
  if (vision.width < 2) fail("vision_cfg.width", "must be 2 or more for a ResNet: its stem has half as many");
  const poolWidth = vision.width * 32;
  const heads = visionHeads(vision);
  if (heads < 1 || poolWidth % heads !== 0) {
    const found = `${poolWidth} / ${vision.head_width} makes ${heads} heads`;
    fail("vision_cfg.head_width", `32 × vision_cfg.width must be a multiple of the pool's heads; ${found}`);
  }
}
