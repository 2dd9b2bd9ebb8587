import type * as tf from "@tensorflow/tfjs";
import type { PassOptions } from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";

/** How the towers run under these settings. @param kept the part's third input, where it has one */
export function passOptions(
  { lock, recompute }: Pick<TrainSettings, "lock" | "recompute">,
  kept: tf.Tensor | undefined,
  inputs: number,
): PassOptions {
  return {
    imageLocked: lock === "image",
    recompute,
    ...(inputs > 2 ? { keptPatches: kept as tf.Tensor2D } : {}),
  };
}
