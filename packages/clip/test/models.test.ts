import { describe, expect, test } from "vitest";
import {
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
  const good = {
    embed_dim: 32,
    vision_cfg: { image_size: 32, patch_size: 8, width: 64, layers: 2, head_width: 32 },
    text_cfg: { context_length: 16, vocab_size: 256, width: 64, heads: 2, layers: 2 },
  };
  const resnet = { image_size: 64, width: 8, layers: [1, 1, 1, 1], head_width: 64 };
  test.each([
    ["embed_dim", { ...good, embed_dim: 0 }],
    ["text_cfg.heads", { ...good, text_cfg: { ...good.text_cfg, heads: 3 } }],
    ["vision_cfg.head_width", { ...good, vision_cfg: { ...good.vision_cfg, head_width: 48 } }],
    ["vision_cfg.patch_size", { ...good, vision_cfg: { ...good.vision_cfg, patch_size: 33 } }],
    ["vision_cfg.timm_model_name", { ...good, vision_cfg: { timm_model_name: "convnext_base" } }],
    ["vision_cfg.image_size", { ...good, vision_cfg: { ...resnet, image_size: 63 } }],
    ["vision_cfg.layers", { ...good, vision_cfg: { ...resnet, layers: [1, 1, 1] } }],
    ["text_cfg", { embed_dim: 32, vision_cfg: good.vision_cfg }],
  ])("%s", (field, value) => {
    expect(() => parseModelConfig(value)).toThrow(`\`${field}\``);
  });

  test("an unknown name lists the known ones", async () => {
    await expect(loadModelConfig("ViT-Z-99")).rejects.toThrow("ViT-B-32");
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
