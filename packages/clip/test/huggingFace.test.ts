import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTokenizer } from "@pairloom/tokenizer";
import { afterAll, describe, expect, test } from "vitest";
import {
  initialParameters,
  loadModelConfig,
  parseModelConfig,
  readCheckpointFile,
  readModel,
  writeSafetensors,
  exportModel,
  type ModelConfig,
} from "../src/index.js";
import { tokenizerFiles } from "../src/checkpoints/huggingFace/tokenizerFiles.js";
import {
  fromHuggingFaceTensors,
  toHuggingFaceTensors,
} from "../src/checkpoints/huggingFace/huggingFaceTensors.js";
import { huggingFaceConfig } from "../src/checkpoints/huggingFace/huggingFaceConfig.js";
import { fromHuggingFaceConfig } from "../src/checkpoints/huggingFace/fromHuggingFaceConfig.js";

const folder = mkdtempSync(join(tmpdir(), "pairloom-hf-"));
afterAll(() => rmSync(folder, { recursive: true }));

const described = {
  embed_dim: 8,
  quick_gelu: true,
  vision_cfg: { image_size: 32, patch_size: 16, layers: 2, width: 12, head_width: 6, mlp_ratio: 2.5 },
  text_cfg: { context_length: 5, vocab_size: 20, width: 6, heads: 3, layers: 1, norm_kwargs: { eps: 1e-6 } },
};
const config = parseModelConfig(described);
const state = initialParameters(config, 1);

describe("tensors", () => {
  const theirs = toHuggingFaceTensors(state);

  test("have transformers' names and shapes, queries, keys and values apart, projections turned", () => {
    expect(theirs.get("vision_model.pre_layrnorm.weight")!.shape).toEqual([12]);
    expect(theirs.get("text_projection.weight")!.shape).toEqual([8, 6]);
    expect(theirs.get("visual_projection.weight")!.shape).toEqual([8, 12]);
    const joint = state.get("visual.transformer.resblocks.1.attn.in_proj_weight")!.data as Float32Array;
    const key = theirs.get("vision_model.encoder.layers.1.self_attn.k_proj.weight")!;
    expect(key.shape).toEqual([12, 12]);
    expect(key.data).toEqual(joint.subarray(144, 288));
    const projection = state.get("visual.proj")!.data as Float32Array;
    expect((theirs.get("visual_projection.weight")!.data as Float32Array)[1]).toBe(projection[8]);
    expect([...theirs.keys()].filter((name) => name.includes("in_proj"))).toEqual([]);
  });

  test("come back bit for bit; position_ids are left out", () => {
    const ids = { dtype: "I64", shape: [1, 5], data: new BigInt64Array(5) } as const;
    const back = fromHuggingFaceTensors(new Map([...theirs, ["text_model.embeddings.position_ids", ids]]));
    expect([...back.keys()].sort()).toEqual([...state.keys()].sort());
    for (const [key, tensor] of state) expect(back.get(key), key).toEqual(tensor);
  });

  test("a missing or misshapen part of a projection is named", () => {
    const name = "text_model.encoder.layers.0.self_attn.k_proj.bias";
    const lacking = new Map(theirs);
    lacking.delete(name);
    expect(() => fromHuggingFaceTensors(lacking)).toThrow(`lacks the tensor \`${name}\``);
    const wrong = { dtype: "F32", shape: [7], data: new Float32Array(7) } as const;
    expect(() => fromHuggingFaceTensors(new Map([...theirs, [name, wrong]]))).toThrow(
      /differ in shape: \[6\], \[7\], \[6\]/,
    );
    const flat = { dtype: "F32", shape: [96], data: new Float32Array(96) } as const;
    expect(() => fromHuggingFaceTensors(new Map([...theirs, ["visual_projection.weight", flat]]))).toThrow(
      /two sides/,
    );
  });
});

describe("configs", () => {
  const back = (value: ModelConfig) => fromHuggingFaceConfig(huggingFaceConfig(value) as never, "given");

  test("come back as they were", async () => {
    expect(back(config)).toEqual(config);
    for (const name of ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-L-14-336"]) {
      const known = await loadModelConfig(name);
      expect(back(known), name).toEqual(known);
    }
    const other = parseModelConfig({
      ...described,
      quick_gelu: false,
      vision_cfg: { ...described.vision_cfg, act_kwargs: { approximate: "tanh" } },
      text_cfg: { ...described.text_cfg, pool_type: "eos", eos_id: 7 },
    });
    expect(back(other)).toEqual(other);
  });

  test("the end of text is 49407 where the vocabulary is CLIP's, else transformers' sign for the highest id", async () => {
    const eos = (value: ModelConfig) =>
      (huggingFaceConfig(value) as { text_config: { eos_token_id: number } }).text_config.eos_token_id;
    expect(eos(await loadModelConfig("ViT-B-32"))).toBe(49407);
    expect(eos(config)).toBe(2);
  });

  test("what OpenAI's published config leaves out or says twice is understood", () => {
    const published = {
      model_type: "clip",
      projection_dim: 512,
      text_config: { bos_token_id: 0, eos_token_id: 2, hidden_size: 9 },
      text_config_dict: { hidden_size: 512, num_attention_heads: 8 },
      vision_config: { patch_size: 16 },
      vision_config_dict: null,
    };
    expect(fromHuggingFaceConfig(published, "published")).toMatchObject({
      quick_gelu: true,
      vision_cfg: { layers: 12, width: 768, head_width: 64, patch_size: 16, mlp_ratio: 4 },
      text_cfg: { width: 512, heads: 8, layers: 12, vocab_size: 49408, pool_type: "argmax" },
    });
  });

  test.each([
    [{ model_type: "siglip" }, /model_type/],
    [{ vision_config: { hidden_act: "gelu" } }, /text tower's is "quick_gelu"/],
    [
      { text_config: { hidden_act: "relu" }, vision_config: { hidden_act: "relu" } },
      /hidden_act.*got "relu"/,
    ],
    [{ text_config: { hidden_size: "wide" } }, /text_config\.hidden_size/],
    [{ text_config: { eos_token_id: [2, 3] } }, /eos_token_id/],
  ])("%j is refused by its field", (change, expected) => {
    expect(() => fromHuggingFaceConfig({ model_type: "clip", ...change }, "given")).toThrow(expected);
  });

  test.each([
    ["resnet", { vision_cfg: { image_size: 64, layers: [1, 1, 1, 1], width: 2 } }, /a ResNet/],
    ["mean", { vision_cfg: { ...described.vision_cfg, pool_type: "avg" } }, /pools by the mean/],
    ["no mask", { text_cfg: { ...described.text_cfg, no_causal_mask: true } }, /without causal mask/],
    ["sigmoid", { init_logit_bias: -10 }, /logit bias/],
    ["rectangle", { vision_cfg: { ...described.vision_cfg, image_size: [32, 48] } }, /not square/],
    [
      "several at once",
      { text_cfg: { ...described.text_cfg, pool_type: "first", ls_init_value: 1 } },
      /layer scale.*pooling by "first"/,
    ],
  ])("%s can't be a CLIPModel, and the refusal says why", (_, change, expected) => {
    expect(() => huggingFaceConfig(parseModelConfig({ ...described, ...change }))).toThrow(expected);
  });
});

test("the vocabulary in the tokenizer's files gives every word the ids that our tokenizer gives", () => {
  const files = tokenizerFiles(77);
  const vocabulary = JSON.parse(files.get("vocab.json")!) as Record<string, number>;
  expect(Object.keys(vocabulary)).toHaveLength(49408);
  expect([vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]]).toEqual([49406, 49407]);
  expect(vocabulary["photo</w>"]).toBe(createTokenizer().encode("photo")[0]);
  const merges = files.get("merges.txt")!.trimEnd().split("\n").slice(1);
  expect(merges).toHaveLength(48894);
  const broken = merges.find((merge) => vocabulary[merge.replace(" ", "")] === undefined);
  expect(broken).toBeUndefined();
});

describe("a folder in parts", () => {
  const write = async (name: string, weightMap: Record<string, string>) => {
    const index = join(folder, `${name}.safetensors.index.json`);
    await writeFile(index, JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap }));
    return index;
  };
  const theirs = [...toHuggingFaceTensors(state)];
  const parts = [new Map(theirs.slice(0, 20)), new Map(theirs.slice(20))];
  const weightMap = Object.fromEntries(
    parts.flatMap((part, i) => [...part.keys()].map((key) => [key, `part-${i}.safetensors`])),
  );

  test("is read as one model", async () => {
    for (const [i, part] of parts.entries())
      await writeFile(join(folder, `part-${i}.safetensors`), writeSafetensors(part));
    const index = await write("model", weightMap);
    await writeFile(join(folder, "config.json"), JSON.stringify(huggingFaceConfig(config)));
    for (const path of [folder, index]) {
      const read = await readModel(path);
      expect(read).toMatchObject({ config, configSource: "beside", layout: "hugging_face" });
      expect(read.state).toEqual(state);
    }
  });

  test.each([
    ["a part outside of the folder", { a: "../secret.safetensors" }, /lies in "\.\.\/secret/],
    ["a part that isn't there", { a: "part-7.safetensors" }, /part part-7\.safetensors is missing/],
    ["a tensor that its part lacks", { nowhere: "part-0.safetensors" }, /lacks the tensor `nowhere`/],
  ])("%s is refused", async (name, map, expected) => {
    await expect(readCheckpointFile(await write(name.replaceAll(" ", "_"), map))).rejects.toThrow(expected);
  });
});

test("an exported folder holds what transformers looks for", () => {
  const names = (size: number) => {
    const text_cfg = { ...described.text_cfg, vocab_size: size };
    const given = parseModelConfig({ ...described, text_cfg });
    const exported = exportModel("hf", size === 20 ? state : initialParameters(given, 0), given);
    return exported.kind === "folder" ? [...exported.files.keys()].sort() : [];
  };
  const always = ["config.json", "model.safetensors", "preprocessor_config.json"];
  const words = [
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
  ];
  expect(names(20)).toEqual(always);
  expect(names(49408)).toEqual([...always, ...words].sort());
});
