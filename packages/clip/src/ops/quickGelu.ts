import * as tf from "@tensorflow/tfjs";
import { activate, type Activation } from "./activation.js";

const quick: Activation = {
  name: "QuickGelu",
  forward: (x) => {
    const gate = tf.sigmoid(tf.mul(x, 1.702));
    return { value: tf.mul(x, gate), saved: [x, gate] };
  },
  gradient: (dy, [x, gate]) => {
    // d/dx = gate · (1 + 1.702 x (1 − gate))
    const slope = tf.add(tf.mul(tf.mul(x!, 1.702), tf.sub(1, gate!)), 1);
    return tf.mul(dy, tf.mul(gate!, slope));
  },
};

/** x · sigmoid(1.702 x), OpenAI's approximation of GELU. Any shape. */
export function quickGelu(x: tf.Tensor): tf.Tensor {
  return activate(quick, x);
}
