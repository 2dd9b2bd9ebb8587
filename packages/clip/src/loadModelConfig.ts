import { readdir, readFile, stat } from "node:fs/promises";
import { describedModel, isHuggingFace } from "./checkpoints/describedModel.js";
import { withInputFiles } from "./checkpoints/huggingFace/withInputFiles.js";
import type { ModelConfig } from "./modelConfig.js";
import { ModelConfigError, parseModelConfig } from "./parseModelConfig.js";

const models = new URL("../models/", import.meta.url);
/** A config has some hundred bytes; what is larger is another file. */
const mostBytes = 2 ** 20;

/** Names of the models that come with the package: the nine of the CLIP paper and small ones. */
export async function listModels(): Promise<string[]> {
  const files = await readdir(models);
  return files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length));
}

/**
 * A model's config by name ("ViT-B-32"; the paper's spelling "ViT-B/32", "ViT-L/14@336px" and open_clip's
 * "ViT-B-32-quickgelu" work too), or from a JSON file: in open_clip's schema, open_clip's `open_clip_config.json`, or the
 * `config.json` of a CLIP model of transformers. What such a folder says of its images and its tokenizer is part of it.
 *
 * @throws ModelConfigError naming the field, or the names there are
 */
export async function loadModelConfig(nameOrPath: string): Promise<ModelConfig> {
  const names = await listModels();
  const known = nameAmong(names, nameOrPath);
  let text: string;
  try {
    text = await readSmall(known === undefined ? nameOrPath : new URL(`${known}.json`, models));
  } catch (error) {
    const why = error instanceof RangeError ? error.message : "neither a readable file nor";
    throw new ModelConfigError("name", `${why} one of ${names.sort().join(", ")}`, nameOrPath, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelConfigError("(whole file)", "not JSON", nameOrPath, error);
  }
  let config = describedModel(value, nameOrPath) ?? parseModelConfig(value, nameOrPath);
  if (known === undefined && isHuggingFace(value)) config = await withInputFiles(config, nameOrPath);
  if (known !== undefined && nameOrPath.endsWith("-quickgelu")) config.quick_gelu = true;
  return config;
}

/** True for a model that comes with the package, in any spelling that `loadModelConfig` takes. */
export async function isKnownModel(name: string): Promise<boolean> {
  return nameAmong(await listModels(), name) !== undefined;
}

function nameAmong(names: readonly string[], given: string): string | undefined {
  const asked = given
    .replace(/-quickgelu$/, "")
    .replace("/", "-")
    .replace("@336px", "-336")
    .toLowerCase();
  return names.find((name) => name.toLowerCase() === asked);
}

async function readSmall(path: string | URL): Promise<string> {
  const found = await stat(path);
  const { size } = found;
  if (!found.isFile()) throw new RangeError("not a file, and not");
  if (size > mostBytes) throw new RangeError(`a file of ${size} bytes, too large for a config, and not`);
  return await readFile(path, "utf8");
}
