import * as tf from "@tensorflow/tfjs";
import type { TrainingOps } from "./trainingOps.js";

/** The training loop's operations in plain TensorFlow.js, for any back end. */
export const portableOps: TrainingOps = {
  adamwStep(parameter, first, second, gradient, rates, s) {
    tf.tidy(() => {
      const [scale, learningRate, correction1, correction2, go] = tf.unstack(rates) as tf.Scalar[];
      const rate = tf.mul(learningRate!, s.rateScale);
      const scaled = tf.mul(gradient, scale!);
      const mean = tf.add(tf.mul(first, s.beta1), tf.mul(scaled, 1 - s.beta1));
      const square = tf.add(tf.mul(second, s.beta2), tf.mul(tf.square(scaled), 1 - s.beta2));
      const below = tf.add(tf.mul(tf.sqrt(square), correction2!), s.epsilon);
      const change = tf.div(tf.mul(mean, tf.mul(rate, correction1!)), below);
      const kept =
        s.weightDecay === 0 ? parameter : tf.mul(parameter, tf.sub(1, tf.mul(rate, s.weightDecay)));
      // chosen, not multiplied: nothing times NaN is NaN
      const whether = tf.greater(go!, 0);
      const next = (changed: tf.Tensor, old: tf.Tensor): tf.Tensor =>
        tf.where(tf.broadcastTo(whether, old.shape), changed, old);
      const values = [next(tf.sub(kept, change), parameter), next(mean, first), next(square, second)];
      [parameter, first, second].forEach((variable, i) => variable.assign(values[i]!));
    });
  },

  squaredNorm(tensors) {
    if (tensors.length === 0) return tf.scalar(0);
    return tf.tidy(() => {
      const total: tf.Scalar = tf.sum(tf.stack(tensors.map((t) => tf.sum(tf.square(t)))));
      return total;
    });
  },
};
