import * as tf from "@tensorflow/tfjs";
import type { Engine } from "@pairloom/engine";
import type { AdamWSettings } from "../../packages/clip/test/referenceAdamW.js";
import type { Update } from "../../packages/clip/test/referenceSteps.js";

/** The reference's optimizer by an engine's own operations. */
export function engineAdamW(engine: Engine): (settings: AdamWSettings) => Update {
  return ({ lr, betas, eps, weight_decay, grad_clip, logit_scale_max }) => {
    const moments = new Map<string, [tf.Variable, tf.Variable]>();
    return async (parameters, { gradients, batchStatistics }, step) => {
      const squares = engine.ops.squaredNorm([...gradients.values()]);
      const norm = Math.sqrt((await squares.data())[0]!);
      const corrections = [1 / (1 - betas[0] ** step), 1 / Math.sqrt(1 - betas[1] ** step)];
      const rates = tf.tensor1d([Math.min(1, grad_clip / (norm + 1e-6)), lr, ...corrections, 1]);
      for (const [key, gradient] of gradients) {
        const parameter = parameters.get(key)!;
        const zeros = () => tf.tidy(() => tf.variable(tf.zeros(parameter.shape)));
        if (!moments.has(key)) moments.set(key, [zeros(), zeros()]);
        engine.ops.adamwStep(parameter, ...moments.get(key)!, gradient, rates, {
          ...{ rateScale: 1, beta1: betas[0], beta2: betas[1], epsilon: eps },
          weightDecay: parameter.rank > 1 ? weight_decay : 0,
        });
      }
      tf.dispose([squares, rates]);
      const scale = parameters.get("logit_scale")!;
      tf.tidy(() => {
        scale.assign(tf.clipByValue(scale, 0, logit_scale_max));
      });
      for (const [key, statistic] of batchStatistics) parameters.get(key)!.assign(statistic);
      return norm;
    };
  };
}
