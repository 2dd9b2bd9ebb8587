import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialParameters, modelMetadata, parseModelConfig, writeSafetensors } from "@pairloom/clip";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openModel } from "../src/project/openModel.js";

const plain = {
  embed_dim: 8,
  vision_cfg: { image_size: 16, patch_size: 8, width: 8, layers: 1, head_width: 8 },
  text_cfg: { context_length: 6, vocab_size: 60_000, width: 8, heads: 1, layers: 1 },
};
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "open-model-"))));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function checkpointOf(name: string, text: object): Promise<string> {
  const config = parseModelConfig({ ...plain, text_cfg: { ...plain.text_cfg, ...text } });
  const path = join(folder, `${name}.safetensors`);
  await writeFile(path, writeSafetensors(initialParameters(config, 0), modelMetadata(config)));
  return path;
}

test.each([
  ["hf_tokenizer_name", { hf_tokenizer_name: "facebook/xlm-v-base", pool_type: "eos", eos_id: 2 }],
  ["hf_tokenizer_name", { hf_tokenizer_name: "facebook/xlm-v-base", pool_type: "argmax" }],
  ["vocab_size", {}],
])("a model for another tokenizer (%s) is refused for texts, and opened for images", async (field, text) => {
  const checkpoint = await checkpointOf(field, text);
  const warnings: string[] = [];
  const options = { checkpoint, engine: "wasm" } as const;
  const refused = await openModel({ ...options, readsTexts: true }, () => {}).catch(
    (error: unknown) => error,
  );
  expect(refused).toMatchObject({ code: "tokenizer_misfit" });
  expect((refused as Error).message).toContain(field);
  const opened = await openModel(options, (line) => warnings.push(line));
  await opened.close();
  expect(warnings).toEqual([]);
});

test("a named config that contradicts the weights stops a command, or is told of", async () => {
  const checkpoint = await checkpointOf("quick", { vocab_size: 49408 });
  const model = join(folder, "other.json");
  await writeFile(
    model,
    JSON.stringify({ ...plain, quick_gelu: true, text_cfg: { ...plain.text_cfg, vocab_size: 49408 } }),
  );
  const options = { checkpoint, model, engine: "wasm" } as const;
  await expect(openModel(options, () => {})).rejects.toMatchObject({ code: "checkpoint_model_contradicted" });
  const warnings: string[] = [];
  const opened = await openModel({ ...options, force: true }, (line) => warnings.push(line));
  await opened.close();
  expect(opened.model.config.quick_gelu).toBe(true);
  expect(warnings.join()).toContain("`quick_gelu` is true, there it is false");
});
