import { join } from "node:path";
import { openClipFiles, openClipWeightsName } from "@pairloom/clip";
import { sha256OfParts } from "@pairloom/storage";
import type { StartingModel } from "../run/startingModel.js";
import { writeDurably } from "../run/writeDurably.js";

/**
 * Writes a folder that open_clip takes as `local-dir:FOLDER`: a model's config and the weights to start from.
 *
 * @returns the sha256 of the weights' file
 */
export async function writeStartingModel(folder: string, { config, state }: StartingModel): Promise<string> {
  let sha256 = "";
  for (const [name, pieces] of openClipFiles(await state(), config)) {
    const parts = [...pieces];
    await writeDurably(join(folder, name), parts);
    if (name === openClipWeightsName) sha256 = sha256OfParts(parts);
  }
  return sha256;
}
