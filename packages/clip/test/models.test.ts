import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  checkTokenizerFit,
  initialParameters,
  listModels,
  loadModelConfig,
  modelCost,
  parseModelConfig,
  stateShapes,
  writeSafetensors,
} from "../src/index.js";

/** Names, parameters and state-dict sizes of the CLIP paper's models as open_clip builds them, and 10⁹ operations a sample in its docs/model_profile.csv. */
const paper: [name: string, parameters: number, keys: number, gflops: number][] = [
  ["RN50", 102_007_137, 489, 18.18],
  ["RN101", 119_688_033, 795, 25.5],
  ["RN50x4", 178_300_601, 669, 51.82],
  ["RN50x16", 290_979_217, 921, 162.69],
  ["RN50x64", 623_258_305, 1353, 552.65],
  ["ViT-B-32", 151_277_313, 302, 14.78],
  ["ViT-B-16", 149_620_737, 302, 41.09],
  ["ViT-L-14", 427_616_513, 446, 175.33],
  ["ViT-L-14-336", 427_944_193, 446, 395.22],
];

describe("the paper's models", () => {
  test.each(paper)("%s has %i parameters in %i state keys", async (name, parameters, keys) => {
    const config = await loadModelConfig(name);
    expect(modelCost(config).parameters).toBe(parameters);
    expect(stateShapes(config).size).toBe(keys);
    expect(config.quick_gelu).toBe(true);
  });

  test("are found by the paper's spelling and by open_clip's", async () => {
    expect(await loadModelConfig("ViT-L/14@336px")).toEqual(await loadModelConfig("ViT-L-14-336"));
    expect(await loadModelConfig("RN50-quickgelu")).toEqual(await loadModelConfig("RN50"));
    expect((await loadModelConfig("ViT-S-32")).quick_gelu).toBe(false);
    expect((await loadModelConfig("ViT-S-32-quickgelu")).quick_gelu).toBe(true);
  });

  test.each(paper)("%s costs what open_clip's profile says", async (name, parameters, _, gflops) => {
    const cost = modelCost(await loadModelConfig(name));
    // the profile counts every place of the ResNet's attention pool as a query; one is needed
    const least = name.startsWith("RN") ? 0.93 : 0.999;
    expect(cost.forwardFlops / 1e9 / gflops).toBeGreaterThan(least);
    expect(cost.forwardFlops / 1e9 / gflops).toBeLessThan(1.001);
    expect(cost.trainingBytes(32)).toBeGreaterThan(16 * parameters);
  });

  test("every config that comes with the package is valid", async () => {
    for (const name of await listModels())
      expect(stateShapes(await loadModelConfig(name)).size).toBeGreaterThan(50);
  });
});

describe("a wrong config names the field", () => {
  const vision = { image_size: 32, patch_size: 8, width: 64, layers: 2, head_width: 32 };
  const text = { context_length: 16, vocab_size: 256, width: 64, heads: 2, layers: 2 };
  const resnet = { image_size: 64, width: 8, layers: [1, 1, 1, 1], head_width: 64 };
  const withVision = (more: object) => ({
    embed_dim: 32,
    vision_cfg: { ...vision, ...more },
    text_cfg: text,
  });
  const withText = (more: object) => ({ embed_dim: 32, vision_cfg: vision, text_cfg: { ...text, ...more } });
  const withResNet = (more: object) => ({
    embed_dim: 32,
    vision_cfg: { ...resnet, ...more },
    text_cfg: text,
  });
  const model = (more: object) => ({ ...withVision({}), ...more });

  test.each([
    // not a config
    ["(whole file)", []],
    ["(whole file)", null],
    ["(whole file)", "ViT-B-32"],
    ["embed_dim", {}],
    ["text_cfg", { embed_dim: 32, vision_cfg: vision }],
    ["vision_cfg", model({ vision_cfg: [] })],
    ["model_cfg", { model_cfg: model({}) }],
    ["vision_cfg.widht", withVision({ widht: 64 })],
    ["text_cfg.norm_kwargs.elementwise_affine", withText({ norm_kwargs: { elementwise_affine: false } })],
    // wrong alone
    ["embed_dim", model({ embed_dim: 0 })],
    ["embed_dim", model({ embed_dim: "512" })],
    ["embed_dim", model({ embed_dim: 1.5 })],
    ["quick_gelu", model({ quick_gelu: "yes" })],
    ["vision_cfg.layers", withResNet({ layers: [1, 1, 1] })],
    ["vision_cfg.layers", withVision({ layers: 0 })],
    ["vision_cfg.image_size", withVision({ image_size: [32, 32, 3] })],
    ["vision_cfg.pool_type", withVision({ pool_type: "max" })],
    ["vision_cfg.patch_dropout", withVision({ patch_dropout: 1 })],
    ["vision_cfg.mlp_ratio", withVision({ mlp_ratio: -4 })],
    ["text_cfg.norm_kwargs.eps", withText({ norm_kwargs: { eps: 0 } })],
    // contradictions
    ["text_cfg.heads", withText({ heads: 3 })],
    ["text_cfg.proj_type", withText({ proj_type: "none" })],
    ["text_cfg.proj_bias", { ...withText({ proj_type: "none", proj_bias: true }), embed_dim: 64 }],
    ["text_cfg.eos_id", withText({ pool_type: "eos", eos_id: 256 })],
    ["text_cfg.embed_cls", withText({ embed_cls: true })],
    ["text_cfg.block_type", withText({ block_type: "default", qk_norm: true })],
    ["text_cfg.mlp_ratio", withText({ mlp_ratio: 0.001 })],
    ["text_cfg.act_kwargs", { ...withText({ act_kwargs: { approximate: "tanh" } }), quick_gelu: true }],
    ["vision_cfg.act_kwargs", { ...withVision({ act_kwargs: { approximate: "none" } }), quick_gelu: true }],
    ["vision_cfg.head_width", withVision({ head_width: 20 })],
    ["vision_cfg.head_width", withVision({ head_width: 65 })],
    ["vision_cfg.patch_size", withVision({ patch_size: 33 })],
    ["vision_cfg.patch_size", withVision({ patch_size: null })],
    ["vision_cfg.pos_embed_type", withVision({ pos_embed_type: "sin_cos_2d", image_size: [32, 16] })],
    ["vision_cfg.pos_embed_type", withVision({ pos_embed_type: "sin_cos_2d", width: 66, head_width: 33 })],
    ["vision_cfg.attn_pooler_heads", withVision({ attentional_pool: true, attn_pooler_heads: 5 })],
    [
      "vision_cfg.attn_pooler_queries",
      withVision({ attentional_pool: true, attn_pooler_queries: 1, pool_type: "avg" }),
    ],
    ["vision_cfg.image_size", withResNet({ image_size: 63 })],
    ["vision_cfg.image_size", withResNet({ image_size: 31 })],
    ["vision_cfg.image_size", withResNet({ image_size: [64, 64] })],
    ["vision_cfg.width", withResNet({ width: 1 })],
    ["vision_cfg.head_width", withResNet({ head_width: 257 })],
    ["vision_cfg.patch_dropout", withResNet({ patch_dropout: 0.5 })],
    ["vision_cfg.pool_type", withResNet({ pool_type: "avg" })],
    ["vision_cfg.qk_norm", withResNet({ qk_norm: true })],
    // others' towers
    ["vision_cfg.timm_model_name", { ...model({}), vision_cfg: { timm_model_name: "convnext_base" } }],
    ["text_cfg.hf_model_name", { ...model({}), text_cfg: { hf_model_name: "roberta-base" } }],
    ["multimodal_cfg", model({ multimodal_cfg: { width: 64 } })],
    ["vision_cfg.attentional_pool", withVision({ attentional_pool: "cascade" })],
    ["vision_cfg.output_tokens", withVision({ output_tokens: true })],
    ["text_cfg.scaled_cosine_attn", withText({ scaled_cosine_attn: true })],
    ["text_cfg.pool_type", withText({ pool_type: "none" })],
  ])("%s in %j", (field, value) => {
    expect(() => parseModelConfig(value)).toThrow(`\`${field}\``);
  });

  test.each([
    ["embed_dim", model({ embed_dim: 1e12 })],
    ["vision_cfg.layers", withVision({ layers: 1e9 })],
    ["vision_cfg.layers.1", withResNet({ layers: [1, 1e9, 1, 1] })],
    ["vision_cfg.width", withVision({ width: 1e12 })],
    ["vision_cfg.image_size", withVision({ image_size: 1e9 })],
    ["vision_cfg.attn_pooler_queries", withVision({ attentional_pool: true, attn_pooler_queries: 1e9 })],
    ["text_cfg.context_length", withText({ context_length: 1e12 })],
    ["text_cfg.vocab_size", withText({ vocab_size: 1e15 })],
    ["text_cfg.layers", withText({ layers: 1e9 })],
    ["text_cfg.mlp_ratio", withText({ mlp_ratio: 1e300 })],
    ["(whole file)", withVision({ width: 65_536, layers: 1_000 })],
    ["(whole file)", withText({ width: 65_536, vocab_size: 16_777_216 })],
  ])("an absurd size, %s, is refused at once", (field, value) => {
    const began = process.cpuUsage();
    expect(() => parseModelConfig(value)).toThrow(`\`${field}\``);
    expect(process.cpuUsage(began).user / 1e6).toBeLessThan(1);
  });

  test("the message says what was expected and what was found", () => {
    expect(() => parseModelConfig(withVision({ width: -3 }))).toThrow(/`vision_cfg.width`: .*1.*, got -3$/);
    expect(() => parseModelConfig(withVision({ layers: [1, 2] }))).toThrow(
      /four for a ResNet.*, got \[1,2\]$/,
    );
  });

  test("what open_clip writes of fields that are not set is no mistake", () => {
    const idle = { timm_model_name: null, timm_pool: "avg", timm_drop: 0, scaled_cosine_attn: false };
    expect(parseModelConfig(withVision(idle))).toEqual(parseModelConfig(withVision({})));
    expect(parseModelConfig(withText({ hf_model_name: null, hf_proj_type: "mlp" }))).toEqual(
      parseModelConfig(withText({})),
    );
  });

  test("an unknown name lists the known ones", async () => {
    await expect(loadModelConfig("ViT-Z-99")).rejects.toThrow("ViT-B-32");
  });

  test("a file that is no config is named: not JSON, too large, a folder, a device without end", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pairloom-model-"));
    const path = join(folder, "model.json");
    await writeFile(path, "{ embed_dim: 3 }");
    await expect(loadModelConfig(path)).rejects.toThrow("not JSON");
    await writeFile(path, `${" ".repeat(2 ** 20)}{}`);
    await expect(loadModelConfig(path)).rejects.toThrow("too large for a config");
    await expect(loadModelConfig(folder)).rejects.toThrow("not a file");
    await expect(loadModelConfig("/dev/zero")).rejects.toThrow("not a file");
    await rm(folder, { recursive: true });
  });
});

describe("the tokenizer", () => {
  const model = (more: object) =>
    parseModelConfig({
      embed_dim: 32,
      vision_cfg: { width: 64 },
      text_cfg: { ...more, width: 64, heads: 2 },
    });

  test("fits the models that come with the package", async () => {
    for (const name of await listModels()) checkTokenizerFit(await loadModelConfig(name));
  });

  test("does not fit a table that is too small, or a model that looks for another end", () => {
    expect(() => checkTokenizerFit(model({ vocab_size: 32_000 }))).toThrow("`text_cfg.vocab_size`");
    expect(() => checkTokenizerFit(model({ pool_type: "eos" }))).toThrow("`text_cfg.eos_id`");
    checkTokenizerFit(model({ pool_type: "eos", eos_id: 49407, vocab_size: 60_000 }));
  });
});

describe("initial parameters", () => {
  const tiny = () => loadModelConfig("tiny");

  test("are the same for the same seed and differ for another", async () => {
    const config = await tiny();
    const bytes = (seed: number) => writeSafetensors(initialParameters(config, seed));
    const first = bytes(1);
    expect(Buffer.compare(bytes(1), first)).toBe(0);
    expect(Buffer.compare(bytes(2), first)).not.toBe(0);
  });

  test("have the shapes of the state dict and the spread of open_clip's", async () => {
    const config = await tiny();
    const state = initialParameters(config, 0);
    for (const [key, entry] of stateShapes(config)) {
      expect(state.get(key)!.shape).toEqual(entry.shape);
      expect(state.get(key)!.data.length).toBe(entry.shape.reduce((a, b) => a * b, 1));
    }
    const deviation = (key: string) => {
      const data = state.get(key)!.data as Float32Array;
      return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
    };
    expect(deviation("token_embedding.weight")).toBeCloseTo(0.02, 4);
    expect(deviation("transformer.resblocks.0.attn.in_proj_weight")).toBeCloseTo(64 ** -0.5, 2);
    const { layers } = config.text_cfg;
    expect(deviation("transformer.resblocks.0.mlp.c_proj.weight")).toBeCloseTo((64 * 2 * layers) ** -0.5, 2);
    // uniform within 1/√(fan in) has a deviation of that over √3
    expect(deviation("visual.layer1.0.conv2.weight")).toBeCloseTo(1 / Math.sqrt(9 * 16 * 3), 2);
    expect(deviation("visual.attnpool.q_proj.weight")).toBeCloseTo(512 ** -0.5, 3);
    expect(deviation("visual.layer1.0.bn3.weight")).toBe(0);
    expect(deviation("visual.bn3.weight")).toBe(1);
    expect(state.get("logit_scale")!.data[0]).toBeCloseTo(config.init_logit_scale ?? Math.log(1 / 0.07), 6);
  });
});
