import * as tf from "@tensorflow/tfjs";
import { imageSize, type ModelConfig, patchGrid } from "@pairloom/clip";
import { patchesToKeep } from "../data/patchesToKeep.js";
import type { TrainSettings } from "../settings/trainSettings.js";

/** Inputs of a step's programs, of the shapes that each call has. The caller disposes them. */
export interface PartSamples {
  /** images [P, S, S, 3], tokens [P, T] and, under patch dropout, kept patches [P, K] of one part of P pairs. */
  part: tf.Tensor[];
  /** [3] */
  rates: tf.Tensor1D;
}

/** Patches of an image of a vision transformer; 0 for other towers. */
export function patchCount({ vision_cfg: vision }: ModelConfig): number {
  if (typeof vision.layers !== "number") return 0;
  const [rows, columns] = patchGrid(vision);
  return rows * columns;
}

/** Pairs of a part: the batch, or an equal share of it. */
export function partSize({ batchSize, accumulate }: Pick<TrainSettings, "batchSize" | "accumulate">): number {
  return batchSize / accumulate;
}

/** Inputs that have nothing but their shapes (and tokens that the text tower can take). */
export function partSamples(config: ModelConfig, settings: TrainSettings): PartSamples {
  const size = partSize(settings);
  const [height, width] = imageSize(config.vision_cfg);
  const { context_length: context } = config.text_cfg;
  const part: tf.Tensor[] = [
    tf.zeros([size, height, width, 3]),
    tf.zeros([size, context], "int32"),
    ...keptPatches(config, settings, 0, 0),
  ];
  return { part, rates: tf.ones([3]) };
}

/** The patches that each picture of a part keeps in a step: [P, K]; nothing where no patch is dropped. */
export function keptPatches(
  config: ModelConfig,
  settings: Pick<TrainSettings, "seed" | "batchSize" | "accumulate" | "patchDropout">,
  step: number,
  part: number,
): tf.Tensor2D[] {
  const { seed, batchSize, patchDropout } = settings;
  if (patchDropout === 0) return [];
  const all = patchesToKeep(seed, step, batchSize, patchCount(config), patchDropout);
  const kept = all.length / batchSize;
  const size = partSize(settings);
  return [tf.tensor2d(all.subarray(part * size * kept, (part + 1) * size * kept), [size, kept], "int32")];
}
