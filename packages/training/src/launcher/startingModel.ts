import { join } from "node:path";
import {
  checkStateDict,
  initialParameters,
  type ModelConfig,
  openClipFiles,
  openClipWeightsName,
  readCheckpointFile,
} from "@pairloom/clip";
import { sha256OfParts } from "@pairloom/storage";
import { writeDurably } from "../run/writeDurably.js";
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
  let sha256 = "";
  for (const [name, pieces] of openClipFiles(state, config)) {
    const parts = [...pieces];
    await writeDurably(join(folder, name), parts);
    if (name === openClipWeightsName) sha256 = sha256OfParts(parts);
  }
  return sha256;
}
