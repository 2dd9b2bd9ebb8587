import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { huggingFaceConfig } from "../src/checkpoints/huggingFace/huggingFaceConfig.js";
import { toHuggingFaceTensors } from "../src/checkpoints/huggingFace/huggingFaceTensors.js";
import {
  checkTokenizerFit,
  describeModel,
  exportModel,
  initialParameters,
  loadModelConfig,
  modelMetadata,
  parseModelConfig,
  readCheckpoint,
  readModel,
  saidConfig,
  tokenizerMisfit,
  writeSafetensors,
} from "../src/index.js";

const plain = {
  embed_dim: 64,
  vision_cfg: { image_size: 16, patch_size: 8, width: 64, layers: 1 },
  text_cfg: { context_length: 6, vocab_size: 30, width: 64, heads: 1, layers: 1 },
};
const halves = {
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  interpolation: "bilinear",
  resize_mode: "squash",
};
const config = parseModelConfig({ ...plain, quick_gelu: true, preprocess_cfg: halves });
const state = initialParameters(config, 1);
const root = mkdtempSync(join(tmpdir(), "origin-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folders = 0;
/** A folder of files: text as it is, other values as JSON. */
function folderOf(files: Record<string, unknown>): string {
  const folder = join(root, `f${folders++}`);
  mkdirSync(folder);
  for (const [name, value] of Object.entries(files)) {
    const isRaw = value instanceof Uint8Array || typeof value === "string";
    writeFileSync(join(folder, name), isRaw ? value : JSON.stringify(value));
  }
  return folder;
}
const weights = writeSafetensors(state);
const own = writeSafetensors(state, modelMetadata(config));
const openClip = { model_cfg: { ...plain, quick_gelu: true }, preprocess_cfg: halves };

describe("a model says what it is", () => {
  test("in open_clip's folder, in the file, beside it under its own name, and above a run's checkpoints", async () => {
    const folder = folderOf({ "open_clip_config.json": openClip, "open_clip_model.safetensors": weights });
    const named = folderOf({ "m.safetensors": weights, "m.config.json": describeModel(config) });
    const run = folderOf({ "config.json": describeModel(config) });
    mkdirSync(join(run, "checkpoints"));
    writeFileSync(join(run, "checkpoints", "step-000001.safetensors"), weights);
    for (const path of [
      folder,
      join(folder, "open_clip_model.safetensors"),
      join(folderOf({ "m.safetensors": own }), "m.safetensors"),
      join(named, "m.safetensors"),
      join(run, "checkpoints", "step-000001.safetensors"),
    ]) {
      const read = await readModel(path);
      expect(read.config).toEqual(config);
      expect([...read.assumed, ...read.warnings, ...read.notes]).toEqual([]);
    }
  });

  test("the file's own word counts more than what lies around it", async () => {
    const folder = folderOf({ "m.safetensors": own, "config.json": plain });
    expect((await readModel(join(folder, "m.safetensors"))).config).toEqual(config);
  });

  test.each([
    ["no model at all", { learning_rate: 1 }],
    ["not JSON", "{"],
    ["a language model of transformers", { model_type: "bert", hidden_size: 9 }],
    ["another CLIP", { ...plain, embed_dim: 32 }],
  ])("a stranger's config.json beside the weights (%s) is passed over and told", async (_, stranger) => {
    const folder = folderOf({ "weights.safetensors": weights, "config.json": stranger });
    const read = await readModel(join(folder, "weights.safetensors"), { quickGelu: true });
    expect(read).toMatchObject({ configSource: "shapes", config: { embed_dim: 64, quick_gelu: true } });
    expect(read.notes.join()).toMatch(/passed over .*config\.json/);
  });

  test("a config that asks for a tower of another library is refused by its field, not passed over", async () => {
    const text_cfg = { hf_model_name: "xlm-roberta-base" };
    const folder = folderOf({
      "open_clip_model.safetensors": weights,
      "open_clip_config.json": { model_cfg: { ...plain, text_cfg } },
    });
    await expect(readModel(folder)).rejects.toThrow("`text_cfg.hf_model_name`");
  });

  test("from a bare state dict nothing can tell GELU from QuickGELU: that is said, but of OpenAI's own", async () => {
    const bare = join(folderOf({ "w.safetensors": weights }), "w.safetensors");
    expect((await readModel(bare)).assumed.join()).toMatch(/GELU, open_clip's default/);
    const number = { dtype: "I64", shape: [], data: BigInt64Array.of(6n) } as const;
    const numbers = ["input_resolution", "context_length", "vocab_size"].map(
      (name) => [name, number] as const,
    );
    const openAi = folderOf({ "w.safetensors": writeSafetensors(new Map([...state, ...numbers])) });
    const read = await readModel(join(openAi, "w.safetensors"));
    expect(read.config.quick_gelu).toBe(true);
    expect(read.assumed).toEqual(["heads 64 wide"]);
  });
});

describe("a named config that contradicts the file", () => {
  const file = (name: string, value: unknown) => join(folderOf({ [name]: value }), name);
  const path = file("m.safetensors", own);

  test.each([
    ["quick_gelu", plain, "`quick_gelu` is false, there it is true"],
    [
      "mean",
      { model_cfg: { ...plain, quick_gelu: true }, preprocess_cfg: { ...halves, mean: 0.4 } },
      "`preprocess_cfg.mean` is [0.4,0.4,0.4], there it is [0.5,0.5,0.5]",
    ],
    [
      "squash",
      { model_cfg: { ...plain, quick_gelu: true }, preprocess_cfg: { ...halves, resize_mode: "longest" } },
      '`preprocess_cfg.resize_mode` is "longest", there it is "squash"',
    ],
    [
      "pooling",
      { ...plain, quick_gelu: true, text_cfg: { ...plain.text_cfg, pool_type: "last" } },
      '`text_cfg.pool_type` is "last", there it is "argmax"',
    ],
    [
      "heads",
      { ...plain, quick_gelu: true, text_cfg: { ...plain.text_cfg, heads: 2 } },
      "`text_cfg.heads` is 2, there it is 1",
    ],
  ])("in %s is refused by both values, and taken by force with a warning", async (_, named, problem) => {
    const model = file("named.json", named);
    const refused = await readModel(path, { model }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "checkpoint_model_contradicted" });
    expect((refused as Error).message).toContain(problem);
    const forced = await readModel(path, { model, force: true });
    expect(forced.warnings.join()).toContain(problem);
    expect(describeModel(forced.config)).not.toEqual(describeModel(config));
  });

  test("in the option for QuickGELU alone is one too", async () => {
    await expect(readModel(path, { quickGelu: false })).rejects.toThrow("`quick_gelu` is false");
  });

  test("one that says nothing of images leaves them to the file; initial values and other words are no difference", async () => {
    const model = file("named.json", {
      ...plain,
      ...{ quick_gelu: true, init_logit_scale: 1, custom_text: false },
      vision_cfg: { ...plain.vision_cfg, image_size: [16, 16], patch_dropout: 0.5, act_kwargs: null },
    });
    const read = await readModel(path, { model });
    expect(read.config.preprocess_cfg).toEqual(config.preprocess_cfg);
    expect(read.warnings).toEqual([]);
  });

  test("a name that means GELU in open_clip is told of with weights that don't tell", async () => {
    const bare = file("w.safetensors", weights);
    const checkpoint = await readCheckpoint(bare);
    const warnings = async (model: string, changes = {}) => {
      const said = await saidConfig(bare, { ...checkpoint, ...changes }, { model });
      return "warnings" in said ? said.warnings : null;
    };
    expect((await warnings("ViT-B-32"))?.join()).toMatch(/open_clip's of that name has GELU/);
    expect((await warnings("RN50"))?.join()).toMatch(/--model RN50-quickgelu says/);
    for (const named of ["ViT-B-32-quickgelu", "tiny", file("named.json", { ...plain, quick_gelu: true })])
      expect(await warnings(named)).toEqual([]);
    expect(await warnings("ViT-B-32", { isOpenAi: true })).toEqual([]);
    expect(await warnings("ViT-B-32", { format: "torchscript" })).toEqual([]);
  });
});

describe("transformers' folders", () => {
  const hf = (changes: Record<string, unknown>, more: Record<string, unknown> = {}) =>
    folderOf({
      "config.json": huggingFaceConfig(parseModelConfig({ ...plain, quick_gelu: true })),
      "model.safetensors": writeSafetensors(toHuggingFaceTensors(state)),
      "preprocessor_config.json": {
        ...{ image_processor_type: "CLIPImageProcessor", do_center_crop: true, resample: 3 },
        ...{ size: { shortest_edge: 16 }, crop_size: { height: 16, width: 16 } },
        ...changes,
      },
      ...more,
    });
  const usual = { interpolation: "bicubic", resize_mode: "shortest", fill_color: 0 };

  test.each([
    [
      "mean and deviation",
      { image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.4, 0.5] },
      { mean: [0.5, 0.5, 0.5], std: [0.5, 0.4, 0.5], ...usual },
    ],
    ["the filter", { resample: 2 }, { interpolation: "bilinear" }],
    [
      "both sides resized",
      { size: { height: 16, width: 16 }, do_center_crop: false },
      { resize_mode: "squash" },
    ],
    ["values as they are", { do_normalize: false }, { mean: [0, 0, 0], std: [1, 1, 1] }],
    ["an older file's one number", { size: 16, crop_size: 16 }, usual],
    [
      "another processor",
      { image_processor_type: "ViTImageProcessor", size: 16, resample: undefined, do_center_crop: undefined },
      { mean: [0.5, 0.5, 0.5], interpolation: "bilinear", resize_mode: "squash" },
    ],
  ])("%s is read", async (_, changes, expected) => {
    expect((await readModel(hf(changes))).config.preprocess_cfg).toMatchObject(expected);
  });

  test.each([
    ["size", { size: { shortest_edge: 20 }, crop_size: { height: 20, width: 20 } }],
    ["crop_size", { size: { shortest_edge: 20 } }],
    ["size", { size: { longest_edge: 16 } }],
    ["resample", { resample: 4 }],
    ["rescale_factor", { rescale_factor: 1 / 127.5 }],
    ["do_resize", { do_resize: false }],
    ["do_center_crop", { do_center_crop: false }],
    ["image_mean", { image_mean: [0.5] }],
  ])("a %s that isn't done here is refused by name", async (field, changes) => {
    await expect(readModel(hf(changes))).rejects.toThrow(`\`${field}\``);
  });

  test("a processor within processor_config.json counts as well", async () => {
    const folder = folderOf({
      "config.json": huggingFaceConfig(config),
      "model.safetensors": writeSafetensors(toHuggingFaceTensors(state)),
      "processor_config.json": {
        image_processor: {
          size: { height: 16, width: 16 },
          do_center_crop: false,
          image_mean: [0.1, 0.2, 0.3],
        },
      },
    });
    const { preprocess_cfg } = (await readModel(folder)).config;
    expect(preprocess_cfg).toMatchObject({ mean: [0.1, 0.2, 0.3], resize_mode: "squash" });
  });

  test.each([
    [
      "its class",
      {
        "tokenizer_config.json": {
          tokenizer_class: "XLMRobertaTokenizer",
          name_or_path: "facebook/xlm-v-base",
        },
      },
      "facebook/xlm-v-base",
    ],
    [
      "its words",
      { "tokenizer_config.json": { tokenizer_class: "CLIPTokenizer" }, "vocab.json": { a: 0, b: 1 } },
      "CLIPTokenizer",
    ],
    ["a model of pieces", { "tokenizer.json": { model: { vocab: [["a", -1]] } } }, expect.any(String)],
  ])("another tokenizer is told by %s", async (_, files, name) => {
    const { config: read } = await readModel(hf({}, files));
    expect(read.text_cfg.hf_tokenizer_name).toEqual(name);
    expect(tokenizerMisfit(read)).toMatchObject({ field: "hf_tokenizer_name" });
  });
});

describe("exports", () => {
  const files = (format: "openclip" | "hf" | "onnx", model = config) => {
    const made = exportModel(format, state, model);
    if (made.kind !== "folder") throw new Error("a folder was expected");
    return new Map([...made.files].map(([name, parts]) => [name, Buffer.concat([...parts])]));
  };

  test.each(["openclip", "hf"] as const)("%s: what came in goes out, and comes in again", async (format) => {
    const folder = folderOf(Object.fromEntries(files(format)));
    expect((await readModel(folder)).config).toMatchObject({
      quick_gelu: true,
      preprocess_cfg: config.preprocess_cfg,
    });
  });

  test("open_clip's folder has the preprocess_cfg and the tokenizer of the one that came in", () => {
    const text_cfg = {
      ...config.text_cfg,
      hf_tokenizer_name: "facebook/xlm-v-base",
      tokenizer_kwargs: { strip: true },
    };
    const said = JSON.parse(
      String(files("openclip", { ...config, text_cfg }).get("open_clip_config.json")),
    ) as typeof openClip;
    expect(said.preprocess_cfg).toEqual(halves);
    expect(said.model_cfg).toMatchObject({
      text_cfg: { hf_tokenizer_name: "facebook/xlm-v-base", tokenizer_kwargs: { strip: true } },
    });
    expect(said.model_cfg).not.toHaveProperty("preprocess_cfg");
  });

  test("onnx carries it in the model's metadata", () => {
    expect(String(files("onnx").get("image.onnx"))).toContain('"resize_mode":"squash"');
  });

  test("what a form has no place for is refused", () => {
    const preprocess_cfg = { ...config.preprocess_cfg!, resize_mode: "longest" as const };
    expect(() => files("hf", { ...config, preprocess_cfg })).toThrow("resize_mode longest");
    const lanczos = { ...config.preprocess_cfg!, interpolation: "lanczos" as const };
    expect(() => files("openclip", { ...config, preprocess_cfg: lanczos })).toThrow("lanczos");
  });

  test("a config of its own is open_clip's plain one where images are made as CLIP's", async () => {
    const usual = parseModelConfig({ ...plain, preprocess_cfg: {} });
    expect(describeModel(usual)).not.toHaveProperty("model_cfg");
    const path = join(folderOf({ "c.json": describeModel(config) }), "c.json");
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ preprocess_cfg: halves });
    expect(await loadModelConfig(path)).toEqual(config);
  });
});

describe("a model for another tokenizer", () => {
  const text = (changes: object) => ({
    text_cfg: { ...parseModelConfig({ ...plain, text_cfg: {} }).text_cfg, ...changes },
  });

  test.each([
    ["hf_tokenizer_name", { hf_tokenizer_name: "facebook/xlm-v-base", vocab_size: 60_000 }],
    ["hf_tokenizer_name", { hf_tokenizer_name: "roberta-base" }],
    ["vocab_size", { vocab_size: 60_000 }],
    ["vocab_size", { vocab_size: 32_000 }],
    ["eos_id", { pool_type: "eos", eos_id: 2 }],
    ["tokenizer_kwargs.clean", { tokenizer_kwargs: { clean: "canonicalize" } }],
    ["tokenizer_kwargs.reduction_mask", { tokenizer_kwargs: { reduction_mask: "syntax" } }],
  ])("is known by %s", (field, changes) => {
    expect(() => checkTokenizerFit(text(changes))).toThrow(`\`text_cfg.${field}\``);
  });

  test.each([
    {},
    { hf_tokenizer_name: "openai/clip-vit-base-patch32" },
    { hf_tokenizer_name: "", tokenizer_kwargs: { clean: "lower", reduction_mask: "" } },
    { pool_type: "eos", eos_id: 49407, vocab_size: 60_000 },
  ])("CLIP's own by another name is none: %j", (changes) => {
    expect(tokenizerMisfit(text(changes))).toBeNull();
  });

  test("a preprocessing that contradicts the model's size, and another mode than RGB, are refused", () => {
    const given = (preprocess_cfg: object) => () => parseModelConfig({ ...plain, preprocess_cfg });
    expect(given({ size: 24 })).toThrow("`preprocess_cfg.size`");
    expect(given({ mode: "L" })).toThrow("`preprocess_cfg.mode`");
    expect(given({ std: [0, 1, 1] })).toThrow("`preprocess_cfg.std");
    expect(given({ size: [16, 16], mode: "RGB", mean: null })()?.preprocess_cfg?.mean).toHaveLength(3);
  });
});
