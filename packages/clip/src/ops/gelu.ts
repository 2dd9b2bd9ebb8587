import * as tf from "@tensorflow/tfjs";
import { activate, type Activation } from "./activation.js";

const exact: Activation = {
  name: "Gelu",
  forward: (x) => {
    const below = tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
    return { value: tf.mul(x, below), saved: [x, below] };
  },
  gradient: (dy, [x, below]) => {
    const density = tf.mul(tf.exp(tf.mul(tf.square(x!), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return tf.mul(dy, tf.add(below!, tf.mul(x!, density)));
  },
};

const slope = Math.sqrt(2 / Math.PI);
const tanh: Activation = {
  name: "TanhGelu",
  forward: (x) => {
    const inner = tf.mul(tf.mul(x, slope), tf.add(tf.mul(tf.square(x), 0.044715), 1));
    const bend = tf.tanh(inner);
    return { value: tf.mul(tf.mul(x, 0.5), tf.add(bend, 1)), saved: [x, bend] };
  },
  gradient: (dy, [x, bend]) => {
    const dInner = tf.mul(tf.add(tf.mul(tf.square(x!), 3 * 0.044715), 1), slope);
    const curve = tf.mul(tf.mul(x!, dInner), tf.sub(1, tf.square(bend!)));
    return tf.mul(dy, tf.mul(tf.add(tf.add(bend!, 1), curve), 0.5));
  },
};

/** x · Φ(x), the exact GELU. Any shape. */
export function gelu(x: tf.Tensor): tf.Tensor {
  return activate(exact, x);
}

/** GELU by tanh: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))). Any shape. */
export function tanhGelu(x: tf.Tensor): tf.Tensor {
  return activate(tanh, x);
}
