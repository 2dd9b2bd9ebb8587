import * as tf from "@tensorflow/tfjs";
import type { LossAndGradients } from "../src/index.js";

export interface AdamWSettings {
  readonly lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly grad_clip: number;
  readonly logit_scale_max: number;
}

/** PyTorch's AdamW with gradient clipping, written plainly on the host in float64: the yardstick of the parity test. */
export class ReferenceAdamW {
  private step = 0;
  private readonly moments = new Map<string, { first: Float64Array; second: Float64Array }>();

  constructor(private readonly settings: AdamWSettings) {}

  /** Moves the variables and returns the gradients' norm before clipping. */
  apply(
    parameters: ReadonlyMap<string, tf.Variable>,
    { gradients, batchStatistics }: LossAndGradients,
  ): number {
    const { lr, betas, eps, weight_decay: decay, grad_clip: clip, logit_scale_max: most } = this.settings;
    this.step += 1;
    let squares = 0;
    for (const gradient of gradients.values())
      for (const value of gradient.dataSync()) squares += value * value;
    const norm = Math.sqrt(squares);
    const shrink = Math.min(1, clip / (norm + 1e-6));
    for (const [key, gradient] of gradients) {
      const variable = parameters.get(key)!;
      const values = Float32Array.from(variable.dataSync());
      const g = gradient.dataSync();
      let moment = this.moments.get(key);
      if (moment === undefined) {
        moment = { first: new Float64Array(g.length), second: new Float64Array(g.length) };
        this.moments.set(key, moment);
      }
      const { first, second } = moment;
      for (let i = 0; i < values.length; i++) {
        const clipped = g[i]! * shrink;
        first[i] = betas[0] * first[i]! + (1 - betas[0]) * clipped;
        second[i] = betas[1] * second[i]! + (1 - betas[1]) * clipped * clipped;
        const mean = first[i]! / (1 - betas[0] ** this.step);
        const spread = Math.sqrt(second[i]! / (1 - betas[1] ** this.step));
        const decayed = variable.rank > 1 ? values[i]! * (1 - lr * decay) : values[i]!;
        values[i] = decayed - (lr * mean) / (spread + eps);
      }
      if (key === "logit_scale") values[0] = Math.min(most, Math.max(0, values[0]!));
      const next = tf.tensor(values, variable.shape, "float32");
      variable.assign(next);
      next.dispose();
    }
    for (const [key, statistic] of batchStatistics) parameters.get(key)!.assign(statistic);
    return norm;
  }
}
