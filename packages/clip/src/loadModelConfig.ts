import { readdir, readFile } from "node:fs/promises";
import { describedModel } from "./checkpoints/describedModel.js";
import { ModelConfigError, parseModelConfig, type ModelConfig } from "./modelConfig.js";

const models = new URL("../models/", import.meta.url);

/** Names of the models that come with the package: the nine of the CLIP paper and small ones. */
export async function listModels(): Promise<string[]> {
  const files = await readdir(models);
  return files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length));
}

/**
 * A model's config by name ("ViT-B-32"; the paper's spelling "ViT-B/32", "ViT-L/14@336px" and open_clip's
 * "ViT-B-32-quickgelu" work too), or from a JSON file: in open_clip's schema, open_clip's `open_clip_config.json`, or the
 * `config.json` of a CLIP model of transformers.
 *
 * @throws ModelConfigError naming the field, or the names there are
 */
export async function loadModelConfig(nameOrPath: string): Promise<ModelConfig> {
  const names = await listModels();
  const asked = nameOrPath
    .replace(/-quickgelu$/, "")
    .replace("/", "-")
    .replace("@336px", "-336")
    .toLowerCase();
  const known = names.find((name) => name.toLowerCase() === asked);
  let text: string;
  try {
    text = await readFile(known === undefined ? nameOrPath : new URL(`${known}.json`, models), "utf8");
  } catch (error) {
    throw new ModelConfigError(
      "name",
      `neither a readable file nor one of ${names.join(", ")}`,
      nameOrPath,
      error,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelConfigError("(whole file)", "not JSON", nameOrPath, error);
  }
  return describedModel(value, nameOrPath) ?? parseModelConfig(value, nameOrPath);
}
