import * as tf from "@tensorflow/tfjs";
import { lossAndGradients, type ModelConfig } from "@pairloom/clip";
import type { TrainingOps } from "@pairloom/engine";
import type { AdamW } from "./optimizer/adamW.js";
import { clipScale } from "./optimizer/gradientNorm.js";

export interface StepInput {
  /** [B, S, S, 3], normalised. */
  images: tf.Tensor4D;
  /** [B, T] int32. */
  tokens: tf.Tensor2D;
  /** 1 for the first. */
  step: number;
  lr: number;
  gradClip: number | null;
  /** exp(logit_scale) is kept at or below this. */
  maxLogitScale: number;
}

export interface StepResult {
  loss: number;
  gradientNorm: number;
  /** exp(logit_scale) as the loss used it. */
  logitScale: number;
  /** Why the parameters were left as they were; null where they were updated. */
  refused: string | null;
}

/**
 * One step: loss, gradients, clipping, update, running statistics. A loss or a gradient that isn't finite, or a loss that
 * has exploded, changes nothing.
 */
export async function trainStep(
  parameters: ReadonlyMap<string, tf.Variable>,
  config: ModelConfig,
  optimizer: AdamW,
  ops: TrainingOps,
  input: StepInput,
): Promise<StepResult> {
  const passed = lossAndGradients(parameters, config, input.images, input.tokens);
  const { gradients, batchStatistics } = passed;
  try {
    const scale = parameters.get("logit_scale")!;
    const norm = Math.sqrt(ops.squaredNorm([...gradients.values()]));
    const [loss, logScale] = await readTogether(passed.loss, scale);
    const result = { loss, gradientNorm: norm, logitScale: Math.exp(logScale) };
    const refused = refusal(loss, norm, input.images.shape[0]);
    if (refused !== null) return { ...result, refused };
    optimizer.apply(gradients, input.step, input.lr, clipScale(norm, input.gradClip));
    for (const [key, statistic] of batchStatistics) parameters.get(key)!.assign(statistic);
    clampLogitScale(scale, input.maxLogitScale);
    return { ...result, refused: null };
  } finally {
    tf.dispose([passed.loss, passed.imageFeatures, passed.textFeatures]);
    tf.dispose([...gradients.values(), ...batchStatistics.values()]);
  }
}

/** Two scalars in one read. */
async function readTogether(first: tf.Tensor, second: tf.Tensor): Promise<[number, number]> {
  const together = tf.tidy(() => tf.stack([first.asScalar(), second.asScalar()]));
  const values = await together.data();
  together.dispose();
  return [values[0]!, values[1]!];
}

/** Guessing gives ln B; ten times that and more is beyond what training comes back from. */
function refusal(loss: number, norm: number, batchSize: number): string | null {
  if (!Number.isFinite(loss)) return `the loss is ${loss}`;
  if (!Number.isFinite(norm)) return `the gradient's norm is ${norm}`;
  const limit = 10 * (1 + Math.log(batchSize));
  return loss > limit ? `the loss exploded to ${loss.toFixed(1)} (limit ${limit.toFixed(1)})` : null;
}

function clampLogitScale(scale: tf.Variable, max: number): void {
  const clamped = tf.tidy(() => tf.clipByValue(scale, 0, Math.log(max)));
  scale.assign(clamped);
  clamped.dispose();
}
