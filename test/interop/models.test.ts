import {
  type ModelConfig,
  ModelConfigError,
  initialParameters,
  listModels,
  loadModelConfig,
  modelCost,
  parseModelConfig,
  stateShapes,
} from "@pairloom/clip";
import { beforeAll, describe, expect, test } from "vitest";
import { variants } from "./modelVariants.js";
import { type NamedConfig, openClip, openClipReason } from "./openClip.js";

if (openClipReason !== null) console.log(`models beside open_clip's are skipped: ${openClipReason}`);

interface Shapes {
  name: string;
  state: [key: string, shape: number[], dtype: string][];
  parameters: number;
  trained: string[];
  imageFlops: number;
  textFlops: number;
}

/** open_clip counts a query of the ResNet's attention pool for every place; only the first is looked at. */
function unusedQueries({ vision_cfg: vision, embed_dim: embedDim }: ModelConfig): number {
  if (typeof vision.layers === "number") return 0;
  const channels = 32 * vision.width;
  const tokens = Math.floor((vision.image_size as number) / 32) ** 2 + 1;
  return (tokens - 1) * (2 * channels * (channels + embedDim) + 4 * tokens * channels);
}

interface Facts {
  version: string;
  shipped: NamedConfig[];
  shapes: Shapes[];
  spread: { name: string; spread: Record<string, [mean: number, deviation: number, kurtosis: number]> }[];
}

/** The field that makes a config another library's. */
function foreignField(config: Record<string, unknown>): string | null {
  const { vision_cfg, text_cfg } = config as { vision_cfg: object; text_cfg: object };
  if ("multimodal_cfg" in config) return "multimodal_cfg";
  if ("timm_model_name" in vision_cfg) return "vision_cfg.timm_model_name";
  return "hf_model_name" in text_cfg ? "text_cfg.hf_model_name" : null;
}

describe.skipIf(openClipReason !== null)("beside open_clip's models", () => {
  let facts: Facts;
  const taken = new Map<string, ModelConfig>();
  const refused = new Map<string, ModelConfigError>();

  beforeAll(async () => {
    const own = await Promise.all(
      (await listModels()).map(async (name) => ({
        name: `own ${name}`,
        config: await loadModelConfig(name),
      })),
    );
    facts = openClip<Facts>(["facts"], [...own, ...variants]);
    for (const { name, config } of [...facts.shipped, ...own, ...variants]) {
      try {
        taken.set(name, parseModelConfig(config, name));
      } catch (error) {
        refused.set(name, error as ModelConfigError);
      }
    }
  });

  test("of the 144 configs that come with open_clip 3.3.0, the 55 that are its own two towers are taken", () => {
    const fields = facts.shipped.map(({ config }) => foreignField(config));
    const count = (field: string | null) => fields.filter((one) => one === field).length;
    expect([facts.version, fields.length, count(null)]).toEqual(["3.3.0", 144, 55]);
    // 89 are made of others' towers, or are no two towers
    const foreign = ["vision_cfg.timm_model_name", "text_cfg.hf_model_name", "multimodal_cfg"].map(count);
    expect(foreign).toEqual([78, 7, 4]);
    facts.shipped.forEach(({ name }, i) => {
      const error = refused.get(name);
      if (fields[i] === null) return expect(error, name).toBeUndefined();
      expect(error, name).toBeInstanceOf(ModelConfigError);
      expect(error!.message, name).toContain(`\`${fields[i]}\``);
    });
  });

  test("every state dict has open_clip's keys, in its order, shapes and types", () => {
    expect(facts.shapes).toHaveLength(taken.size);
    for (const { name, state, parameters, trained } of facts.shapes) {
      const config = taken.get(name)!;
      const shapes = stateShapes(config);
      const ours = [...shapes].map(([key, { shape, dtype }]) => [key, shape, dtype]);
      expect(ours, name).toEqual(state);
      expect(modelCost(config).parameters, name).toBe(parameters);
      const own = [...shapes].filter(([, { kind, fixed }]) => kind === "parameter" && fixed !== true);
      expect(own.map(([key]) => key).sort(), name).toEqual([...trained].sort());
    }
  });

  test("the operations of a forward pass are those that PyTorch counts", () => {
    for (const { name, imageFlops, textFlops } of facts.shapes) {
      const config = taken.get(name)!;
      const cost = modelCost(config);
      expect(cost.textFlops, `${name}, text tower`).toBe(textFlops);
      // of a pool by attention, open_clip asks every query; here those are asked that are looked at
      if (config.vision_cfg.attentional_pool === true) expect(cost.imageFlops, name).toBeLessThan(imageFlops);
      else expect(cost.imageFlops + unusedQueries(config), `${name}, image tower`).toBe(imageFlops);
    }
  });

  test("a new model's values are spread as open_clip's, tensor by tensor", () => {
    expect(facts.spread.length).toBeGreaterThan(variants.length);
    for (const { name, spread } of facts.spread) {
      const state = initialParameters(taken.get(name)!, 0);
      expect([...state.keys()]).toEqual(Object.keys(spread));
      for (const [key, [mean, deviation, kurtosis]] of Object.entries(spread)) {
        const ours = momentsOf(Float64Array.from(state.get(key)!.data as Float32Array, Number));
        const where = `${name}: ${key}`;
        // six standard errors of the difference of two samples
        const allowed = 6 * Math.sqrt(2 / ours.size) * deviation + 1e-6;
        expect(Math.abs(ours.mean - mean), where).toBeLessThanOrEqual(allowed);
        expect(Math.abs(ours.deviation - deviation), where).toBeLessThanOrEqual(allowed);
        if (ours.size < 3000 || deviation === 0) continue;
        expect(Math.abs(ours.kurtosis - kurtosis), where).toBeLessThan(0.6);
      }
    }
  });
});

/** Kurtosis is 3 for a normal distribution, 1.8 for a uniform one. */
function momentsOf(values: Float64Array): Record<"size" | "mean" | "deviation" | "kurtosis", number> {
  const size = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / size;
  const central = (n: number) => values.reduce((sum, value) => sum + (value - mean) ** n, 0) / size;
  const variance = central(2);
  return { size, mean, deviation: Math.sqrt(variance), kurtosis: central(4) / variance ** 2 };
}
