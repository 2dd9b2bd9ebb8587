import * as tf from "@tensorflow/tfjs";
import type { BatchStatistics } from "@pairloom/clip";
import type { TrainingOps } from "@pairloom/engine";
import type { StepSettings } from "./stepSettings.js";
import type { StepVariables } from "./stepVariables.js";

type UpdateSettings = Pick<
  StepSettings,
  "gradClip" | "maxLogitScale" | "beta1" | "beta2" | "eps" | "emaDecay" | "mostLoss"
>;

/** A gradient's norm beyond this is none: float32 ends a little above. */
export const normLimit = 3e38;

/** What changes from step to step in AdamW, for `updateParameters`: [lr, 1/(1−β₁ᵗ), 1/√(1−β₂ᵗ)]. */
export function stepRates(step: number, lr: number, beta1: number, beta2: number): Float32Array {
  return Float32Array.of(lr, 1 / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step));
}

/**
 * The second half of a step: clipping by the global norm, AdamW, the moving average, running statistics, the logit
 * scale's clamp. A loss or a gradient that isn't finite, or a loss that has exploded, changes nothing. May run within a
 * program.
 *
 * @param rates [3], of `stepRates`
 * @returns [4]: the loss, the gradient's norm before clipping, exp(logit_scale) as the loss used it, and 1 where
 * parameters were updated, else 0
 */
export function updateParameters(
  variables: StepVariables,
  ops: TrainingOps,
  settings: UpdateSettings,
  loss: tf.Scalar,
  gradients: ReadonlyMap<string, tf.Tensor>,
  batchStatistics: BatchStatistics,
  rates: tf.Tensor1D,
): tf.Tensor1D {
  const { gradClip, maxLogitScale, mostLoss } = settings;
  const logScale = variables.parameters.get("logit_scale")!;
  const scale = tf.exp(logScale);
  const norm = tf.sqrt(ops.squaredNorm([...gradients.values()]));
  // comparisons with NaN are false
  const isSound = tf.logicalAnd(tf.lessEqual(loss, mostLoss), tf.lessEqual(norm, normLimit));
  const go = tf.cast(isSound, "float32");
  // as PyTorch's clip_grad_norm_
  const clip = gradClip === null ? tf.onesLike(norm) : tf.minimum(1, tf.div(gradClip, tf.add(norm, 1e-6)));
  const all = tf.concat1d([tf.reshape(clip, [1]), rates, tf.reshape(go, [1])]);
  for (const [key, { parameter, first, second, average, rateScale, weightDecay }] of variables.trained) {
    const { beta1, beta2, eps: epsilon } = settings;
    const own = { rateScale, beta1, beta2, epsilon, weightDecay };
    ops.adamwStep(parameter, first, second, gradients.get(key)!, all, own);
    if (key === "logit_scale") {
      const within = tf.clipByValue(parameter, 0, Math.log(maxLogitScale));
      parameter.assign(tf.where(isSound, within, parameter));
    }
    if (average !== null) {
      const moved = tf.mul(tf.sub(parameter, average), tf.mul(go, 1 - settings.emaDecay!));
      average.assign(tf.add(average, moved));
    }
  }
  for (const [key, statistic] of batchStatistics) {
    const running = variables.parameters.get(key)!;
    running.assign(tf.where(tf.broadcastTo(isSound, statistic.shape), statistic, running));
  }
  return tf.stack([loss, norm, scale, go].map((one) => tf.reshape(one, []))) as tf.Tensor1D;
}
