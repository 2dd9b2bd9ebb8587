import { describe, expect, test } from "vitest";
import {
  listModels,
  loadModelConfig,
  parseModelConfig,
  stateShapes,
  type ModelConfig,
  type TensorFile,
} from "../src/index.js";
import { inferModelConfig } from "../src/checkpoints/inferModelConfig.js";
import { lookOf, recogniseLayout } from "../src/checkpoints/weightLayout.js";

/** Tensors of a model that have shapes and no numbers. */
const shapesOf = (config: ModelConfig): TensorFile =>
  new Map(
    [...stateShapes(config)].map(([key, { shape }]) => [
      key,
      { dtype: "F32", shape, data: new Float32Array() },
    ]),
  );

test("every model of the paper is told from its shapes", async () => {
  const names = (await listModels()).filter((name) => /^(RN|ViT)/.test(name));
  expect(names.length).toBeGreaterThanOrEqual(9);
  for (const name of names) {
    const config = await loadModelConfig(name);
    if (config.vision_cfg.head_width !== 64) continue;
    expect(inferModelConfig(shapesOf(config), config.quick_gelu), name).toEqual(config);
  }
});

test("other hidden widths, layer scales, biases and missing norms are told too", () => {
  const config = parseModelConfig({
    embed_dim: 24,
    init_logit_bias: -10,
    vision_cfg: {
      image_size: 48,
      patch_size: 16,
      width: 64,
      layers: 2,
      no_ln_pre: true,
      mlp_ratio: 3.7,
      ls_init_value: 1e-5,
    },
    text_cfg: { context_length: 9, vocab_size: 30, width: 128, heads: 2, layers: 3, proj_bias: true },
  });
  expect(stateShapes(inferModelConfig(shapesOf(config), false))).toEqual(stateShapes(config));
});

describe("what can't be told is refused with what would help", () => {
  const config = parseModelConfig({
    embed_dim: 8,
    vision_cfg: { image_size: 32, patch_size: 16, width: 64, layers: 1 },
    text_cfg: { context_length: 4, vocab_size: 10, width: 64, heads: 1, layers: 1 },
  });
  test.each([
    ["a table of positions that is no square", "visual.positional_embedding", [7, 64], /no square/],
    ["a width that 64 doesn't divide", "visual.conv1.weight", [48, 3, 16, 16], /head_width/],
    ["a tensor that isn't there", "visual.conv1.weight", null, /`visual\.conv1\.weight` doesn't say/],
  ])("%s", (_, key, shape, expected) => {
    const tensors = shapesOf(config);
    if (shape === null) tensors.delete(key);
    else tensors.set(key, { dtype: "F32", shape, data: new Float32Array() });
    expect(() => inferModelConfig(tensors, false)).toThrow(expected);
    expect(() => inferModelConfig(tensors, false)).toThrow(/can't be told from its tensors/);
  });
});

test("other programs' models are recognised by their names", () => {
  expect(recogniseLayout(["visual.conv1.weight", "visual.layer1.0.conv1.weight"])).toEqual({
    layout: "open_clip",
  });
  expect(recogniseLayout(["vision_model.embeddings.class_embedding"])).toEqual({ layout: "hugging_face" });
  for (const [name, look] of [
    ["visual.trunk.blocks.0.norm1.weight", "image tower of timm"],
    ["vision_model.head.attention.in_proj_weight", "SigLIP"],
    ["blocks.0.attn.qkv.weight", "timm"],
    ["layer1.0.conv1.weight", "torchvision"],
    ["bert.embeddings.word_embeddings.weight", "language model"],
  ] as const)
    expect(lookOf([name])).toContain(look);
  expect(recogniseLayout(["a", "b"])).toBeNull();
});
