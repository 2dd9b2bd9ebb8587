import * as tf from "@tensorflow/tfjs";
import { imageSize, type ModelConfig, type PairBatch, type PassOptions, patchGrid } from "@pairloom/clip";
import { patchesToKeep } from "../data/patchesToKeep.js";
import type { TrainSettings } from "../settings/trainSettings.js";

/** A batch as numbers. */
export interface StepBatch {
  /** [B, S, S, 3], normalised. */
  images: Float32Array;
  /** [B, T] */
  tokens: Int32Array;
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

/**
 * The first inputs of every program that runs the towers on a part of P pairs: images [P, S, S, 3], tokens [P, T] and,
 * under patch dropout, the kept patches [P, K]. The caller disposes them.
 */
export function partInputs(
  config: ModelConfig,
  settings: TrainSettings,
  { images, tokens }: StepBatch,
  step: number,
  part: number,
): tf.Tensor[] {
  const size = partSize(settings);
  const [height, width] = imageSize(config.vision_cfg);
  const { context_length: context } = config.text_cfg;
  const own = <T extends Float32Array | Int32Array>(all: T, each: number): T =>
    all.subarray(part * size * each, (part + 1) * size * each) as T;
  return [
    tf.tensor4d(own(images, height * width * 3), [size, height, width, 3]),
    tf.tensor2d(own(tokens, context), [size, context], "int32"),
    ...keptPatches(config, settings, step, part),
  ];
}

/** Inputs of the same shapes that hold nothing (but tokens that the text tower can take). The caller disposes them. */
export function partSamples(config: ModelConfig, settings: TrainSettings): tf.Tensor[] {
  const size = partSize(settings);
  const [height, width] = imageSize(config.vision_cfg);
  return [
    tf.zeros([size, height, width, 3]),
    tf.zeros([size, config.text_cfg.context_length], "int32"),
    ...keptPatches(config, settings, 0, 0),
  ];
}

/** A program's inputs by what they are: the part's pairs, how the towers run on them, and the inputs after these. */
export function readPart<Rest extends readonly tf.Tensor[]>(
  { lock, recompute, patchDropout }: Pick<TrainSettings, "lock" | "recompute" | "patchDropout">,
  [images, tokens, ...others]: readonly tf.Tensor[],
): { pairs: PairBatch; options: PassOptions; rest: Rest } {
  const kept = patchDropout === 0 ? {} : { keptPatches: others.shift() as tf.Tensor2D };
  return {
    pairs: { images: images as tf.Tensor4D, tokens: tokens as tf.Tensor2D },
    options: { imageLocked: lock === "image", recompute, ...kept },
    rest: others as readonly tf.Tensor[] as Rest,
  };
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
