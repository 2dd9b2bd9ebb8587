import * as tf from "@tensorflow/tfjs";
import type { TrainingOps } from "@pairloom/engine";
import type { TrainSettings } from "../settings/trainSettings.js";

type AdamWSettings = Pick<TrainSettings, "beta1" | "beta2" | "eps" | "weightDecay" | "textRate">;

/** One parameter's moments, shaped as the parameter. */
export interface Moments {
  first: tf.Variable;
  second: tf.Variable;
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
    private readonly ops: TrainingOps,
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
   * @param lr of the image tower and the logit scale; the text tower's is `textRate` times that
   * @param gradientScale what the gradients are multiplied by before anything else
   */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, step: number, lr: number, gradientScale: number): void {
    const { beta1, beta2, eps, weightDecay, textRate } = this.settings;
    for (const [key, { first, second }] of this.moments) {
      const parameter = this.parameters.get(key)!;
      this.ops.adamwStep(parameter, first, second, gradients.get(key)!, {
        learningRate: ofTextTower(key) ? lr * textRate : lr,
        beta1,
        beta2,
        epsilon: eps,
        weightDecay: parameter.rank < 2 ? 0 : weightDecay,
        step,
        gradientScale,
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

function ofTextTower(key: string): boolean {
  return !key.startsWith("visual.") && key !== "logit_scale" && key !== "logit_bias";
}
