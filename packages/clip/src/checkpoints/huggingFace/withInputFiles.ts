import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isObject } from "@pairloom/config/isObject";
import { readVocabulary } from "@pairloom/tokenizer";
import { modelConfigSchema, type ModelConfig } from "../../modelConfig.js";
import { ModelConfigError } from "../../parseModelConfig.js";
import { fromImageProcessor } from "./fromImageProcessor.js";

/** A tokenizer.json has some megabytes; what is far larger is another file. */
const maxBytes = 64 * 2 ** 20;

/**
 * A model of transformers with what the files beside its `config.json` say: how its images are made
 * (`preprocessor_config.json`, or within `processor_config.json`), and which tokenizer it was made for
 * (`tokenizer_config.json`, `vocab.json`, `tokenizer.json`).
 *
 * @param path of the `config.json`
 * @throws ModelConfigError naming the file and the field that asks for what isn't done here
 */
export async function withInputFiles(config: ModelConfig, path: string): Promise<ModelConfig> {
  const folder = dirname(path);
  const said = await imageProcessor(folder);
  const tokenizer = await foreignTokenizer(folder);
  return modelConfigSchema.parse({
    ...config,
    ...(said === null ? {} : { preprocess_cfg: fromImageProcessor(said.value, config, said.path) }),
    ...(tokenizer === null ? {} : { text_cfg: { ...config.text_cfg, hf_tokenizer_name: tokenizer } }),
  });
}

interface Said {
  readonly path: string;
  readonly value: Record<string, unknown>;
}

async function imageProcessor(folder: string): Promise<Said | null> {
  const own = await readObject(join(folder, "preprocessor_config.json"));
  if (own !== null) return own;
  const whole = await readObject(join(folder, "processor_config.json"));
  const part = whole?.value["image_processor"];
  return whole === null || !isObject(part) ? null : { path: whole.path, value: part };
}

/** The name of the tokenizer that a folder is for, where it is another than CLIP's; null where it is CLIP's or none is there. */
async function foreignTokenizer(folder: string): Promise<string | null> {
  const config = (await readObject(join(folder, "tokenizer_config.json")))?.value ?? {};
  const kind = config["tokenizer_class"];
  const isClips = typeof kind !== "string" || /^(CLIPTokenizer|PreTrainedTokenizer)(Fast)?$/.test(kind);
  if (isClips && (await hasClipVocabulary(folder))) return null;
  const name = config["name_or_path"];
  if (typeof name === "string" && name !== "") return name;
  return typeof kind === "string" ? kind : folder;
}

/** Whether the folder's words have CLIP's ids; true where it holds no words. */
async function hasClipVocabulary(folder: string): Promise<boolean> {
  const plain = await readObject(join(folder, "vocab.json"));
  const whole = plain === null ? await readObject(join(folder, "tokenizer.json")) : null;
  const model = whole?.value["model"];
  const words = plain?.value ?? (isObject(model) ? model["vocab"] : undefined);
  if (words === undefined) return true;
  if (!isObject(words)) return false;
  const { tokens } = readVocabulary({ start: "<|startoftext|>", end: "<|endoftext|>" });
  // some programs keep the two ends beside the words
  const ends = tokens.length - 2;
  return tokens.every((token, id) => words[token] === id || (id >= ends && words[token] === undefined));
}

/** A JSON object of a file; null where the file isn't there. @throws ModelConfigError where it is something else */
async function readObject(path: string): Promise<Said | null> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size > maxBytes) return null;
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new ModelConfigError("(whole file)", "not JSON", path, error);
  }
  if (!isObject(value)) throw new ModelConfigError("(whole file)", "not a JSON object", path);
  return { path, value };
}
