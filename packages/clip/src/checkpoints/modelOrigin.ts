import { readFile, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { loadModelConfig } from "../loadModelConfig.js";
import type { ModelConfig } from "../modelConfig.js";
import { ModelConfigError } from "../parseModelConfig.js";
import { configsBeside } from "./checkpointFolder.js";
import { fitsConfig } from "./checkStateDict.js";
import { describedModel } from "./describedModel.js";
import type { Checkpoint } from "./readCheckpoint.js";

/** The keys under which our own files hold their model's config and its preprocessing, as JSON. */
export const configMetadataKey = "model_cfg";
export const preprocessMetadataKey = "preprocess_cfg";

/** What weights say of their model, in the file or beside it. */
export interface ModelOrigin {
  readonly config: ModelConfig;
  readonly source: "file" | "beside";
  /** The file that the config was read from; null where it is in the weights' own. */
  readonly file: string | null;
}

/**
 * What a file of weights says of its model: itself, or by a config beside it. A config that describes no model, or another than
 * the weights are of, is passed over where nothing says that it belongs to them.
 *
 * @param path as it was given: a file, or a model's folder
 * @throws ModelConfigError where a config that belongs to the weights can't be used
 */
export async function modelOrigin(
  path: string,
  checkpoint: Checkpoint,
): Promise<{ origin: ModelOrigin | null; notes: string[] }> {
  const written = writtenConfig(path, checkpoint.metadata);
  if (written !== null) return { origin: { config: written, source: "file", file: null }, notes: [] };
  const notes: string[] = [];
  const isFolder = (await stat(path)).isDirectory();
  for (const file of await configsBeside(checkpoint.file)) {
    // any program may have left a config.json there; the other names are open_clip's and ours, as is a run's folder
    const isStranger = basename(file) === "config.json" && dirname(file) === dirname(checkpoint.file);
    try {
      const config = await loadModelConfig(file);
      if (!isStranger || isFolder || fitsConfig(checkpoint.tensors, config))
        return { origin: { config, source: "beside", file }, notes };
      notes.push(`passed over ${file}: it describes another model than these weights are of`);
    } catch (error) {
      if (!(error instanceof ModelConfigError) || !isStranger || !(await isNoModel(file, checkpoint)))
        throw error;
      notes.push(`passed over ${file}, which describes no CLIP model: ${error.message}`);
    }
  }
  return { origin: null, notes };
}

function writtenConfig(path: string, metadata: Checkpoint["metadata"]): ModelConfig | null {
  const model = metadata.get(configMetadataKey);
  if (model === undefined) return null;
  const input = metadata.get(preprocessMetadataKey);
  const value = {
    [configMetadataKey]: parsed(model),
    ...(input === undefined ? {} : { [preprocessMetadataKey]: parsed(input) }),
  };
  return describedModel(value, `in ${path}`);
}

/** Whether a config that can't be used is no model's, or that of another layout than the weights have. */
async function isNoModel(file: string, { layout }: Checkpoint): Promise<boolean> {
  const value = parsed(await readFile(file, "utf8"));
  const isObject = typeof value === "object" && value !== null;
  if (!isObject || !("model_cfg" in value || "embed_dim" in value || "model_type" in value)) return true;
  return layout === "open_clip" && "model_type" in value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.slice(0, 80);
  }
}
