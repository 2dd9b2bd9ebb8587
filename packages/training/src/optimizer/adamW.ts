import * as tf from "@tensorflow/tfjs";
import type { TrainSettings } from "../settings/trainSettings.js";

type AdamWSettings = Pick<TrainSettings, "beta1" | "beta2" | "eps" | "weightDecay">;

/** One parameter's moments, shaped as the parameter. */
export interface Moments {
  first: tf.Variable;
  second: tf.Variable;
}

/** What one update of one parameter needs beside its tensors. */
export interface AdamWStep {
  /** The gradient is multiplied by this first (clipping). */
  gradientScale: number;
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  /** 0 for gains, biases and the logit scale. */
  decay: number;
  /** 1 − β₁ᵗ and 1 − β₂ᵗ. */
  correction1: number;
  correction2: number;
}

/**
 * AdamW with decoupled decay, as PyTorch computes it (Loshchilov and Hutter 2019, algorithm 2): no decay on parameters
 * of fewer than two axes. Owns the moments; `dispose` frees them.
 */
export class AdamW {
  readonly moments = new Map<string, Moments>();

  constructor(
    private readonly parameters: ReadonlyMap<string, tf.Variable>,
    private readonly settings: AdamWSettings,
    private readonly update: typeof updateParameter = updateParameter,
  ) {
    for (const [key, variable] of parameters) {
      if (!variable.trainable) continue;
      const zeros = () => {
        const initial = tf.zeros(variable.shape);
        const moment = tf.variable(initial, false);
        initial.dispose();
        return moment;
      };
      this.moments.set(key, { first: zeros(), second: zeros() });
    }
  }

  /**
   * @param step 1 for the first
   * @param gradientScale what the gradients are multiplied by before anything else
   */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, step: number, lr: number, gradientScale: number): void {
    const { beta1, beta2, eps, weightDecay } = this.settings;
    for (const [key, moments] of this.moments) {
      const parameter = this.parameters.get(key)!;
      this.update(parameter, gradients.get(key)!, moments, {
        gradientScale,
        lr,
        beta1,
        beta2,
        eps,
        decay: parameter.rank < 2 ? 0 : weightDecay,
        correction1: 1 - beta1 ** step,
        correction2: 1 - beta2 ** step,
      });
    }
  }

  dispose(): void {
    for (const { first, second } of this.moments.values()) {
      first.dispose();
      second.dispose();
    }
    this.moments.clear();
  }
}

/** One parameter's update in plain TensorFlow.js ops; an engine may have it as one kernel. */
export function updateParameter(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  { first, second }: Moments,
  step: AdamWStep,
): void {
  tf.tidy(() => {
    const { beta1, beta2, lr } = step;
    const g = step.gradientScale === 1 ? gradient : tf.mul(gradient, step.gradientScale);
    const m = tf.add(tf.mul(first, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(g), 1 - beta2));
    const denominator = tf.add(tf.mul(tf.sqrt(v), 1 / Math.sqrt(step.correction2)), step.eps);
    const kept = step.decay === 0 ? parameter : tf.mul(parameter, 1 - lr * step.decay);
    parameter.assign(tf.sub(kept, tf.div(tf.mul(m, lr / step.correction1), denominator)));
    first.assign(m);
    second.assign(v);
  });
}
