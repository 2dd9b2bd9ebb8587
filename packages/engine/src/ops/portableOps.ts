import * as tf from "@tensorflow/tfjs";
import type { TrainingOps } from "./trainingOps.js";

/** The training loop's operations in plain TensorFlow.js, for any back end. */
export const portableOps: TrainingOps = {
  adamwStep(parameter, first, second, gradient, s) {
    tf.tidy(() => {
      const scale = s.gradientScale ?? 1;
      const g = scale === 1 ? gradient : tf.mul(gradient, scale);
      first.assign(tf.add(tf.mul(first, s.beta1), tf.mul(g, 1 - s.beta1)));
      second.assign(tf.add(tf.mul(second, s.beta2), tf.mul(tf.square(g), 1 - s.beta2)));
      const root = 1 / Math.sqrt(1 - s.beta2 ** s.step);
      const below = tf.add(tf.mul(tf.sqrt(second), root), s.epsilon);
      const change = tf.div(tf.mul(first, s.learningRate / (1 - s.beta1 ** s.step)), below);
      parameter.assign(tf.sub(tf.mul(parameter, 1 - s.learningRate * s.weightDecay), change));
    });
  },

  squaredNorm(tensors) {
    if (tensors.length === 0) return 0;
    const sums = tf.tidy(() => tf.stack(tensors.map((t) => tf.sum(tf.square(t)))));
    const values = sums.dataSync<"float32">();
    sums.dispose();
    return values.reduce((total, value) => total + value, 0);
  },
};
