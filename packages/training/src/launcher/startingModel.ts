import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  checkStateDict,
  initialParameters,
  type ModelConfig,
  readCheckpointFile,
  safetensorsParts,
} from "@pairloom/clip";
import { writeDurably, writeJsonDurably } from "../run/writeDurably.js";
import type { TrainSettings } from "../settings/trainSettings.js";

/**
 * Writes a folder that open_clip takes as `local-dir:FOLDER`: a model's config and the weights to start from.
 *
 * @returns the sha256 of the weights' file
 */
export async function writeStartingModel(
  folder: string,
  config: ModelConfig,
  { initialCheckpoint, seed }: Pick<TrainSettings, "initialCheckpoint" | "seed">,
): Promise<string> {
  const state =
    initialCheckpoint === null
      ? initialParameters(config, seed)
      : checkStateDict(await readCheckpointFile(initialCheckpoint), config);
  const parts = [...safetensorsParts(state, { format: "pt" })];
  await writeDurably(join(folder, "open_clip_model.safetensors"), parts);
  await writeJsonDurably(join(folder, "open_clip_config.json"), {
    model_cfg: openClipModel(config),
    preprocess_cfg: {},
  });
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** The config for open_clip: another tokenizer than CLIP's own would be looked for in the folder, and the texts are CLIP's. */
function openClipModel(config: ModelConfig): object {
  const text = Object.entries(config.text_cfg).filter(([key]) => !key.includes("tokenizer"));
  return { ...config, text_cfg: Object.fromEntries(text) };
}
