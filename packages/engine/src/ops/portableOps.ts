import * as tf from "@tensorflow/tfjs";
import type { TrainingOps } from "./trainingOps.js";

/** The training loop's operations in plain TensorFlow.js, for any back end. */
export const portableOps: TrainingOps = {
  adamwStep(parameter, first, second, gradient, s) {
    tf.tidy(() => {
      // the corrections are worked into the factors: each operation less is a pass over all numbers less
      const scale = s.gradientScale ?? 1;
      first.assign(tf.add(tf.mul(first, s.beta1), tf.mul(gradient, (1 - s.beta1) * scale)));
      const squares = tf.mul(tf.square(gradient), (1 - s.beta2) * scale * scale);
      second.assign(tf.add(tf.mul(second, s.beta2), squares));
      const correction = Math.sqrt(1 - s.beta2 ** s.step);
      const rate = (s.learningRate * correction) / (1 - s.beta1 ** s.step);
      const below = tf.add(tf.sqrt(second), s.epsilon * correction);
      const change = tf.div(tf.mul(first, rate), below);
      const decay = s.learningRate * s.weightDecay;
      parameter.assign(tf.sub(decay === 0 ? parameter : tf.mul(parameter, 1 - decay), change));
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
