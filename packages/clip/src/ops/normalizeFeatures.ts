import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";

/** Each row of x [B, E] divided by its length (at least 1e-12), as PyTorch's `F.normalize`. */
export function normalizeFeatures(x: tf.Tensor): tf.Tensor2D {
  return differentiable(
    [x],
    () => {
      const length = tf.maximum(tf.sqrt(tf.sum(tf.square(x), 1, true)), 1e-12);
      const value: tf.Tensor2D = tf.div(x, length);
      return { value, saved: [value, length] };
    },
    (dy, [value, length]) => {
      const along = tf.sum(tf.mul(dy, value!), 1, true);
      return [tf.div(tf.sub(dy, tf.mul(value!, along)), length!)];
    },
  );
}
