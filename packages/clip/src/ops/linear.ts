import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";

/**
 * x·w + b.
 *
 * @param x [N, I]
 * @param w [I, O], the transpose of PyTorch's weight
 * @param b [O]
 * @returns [N, O]
 */
export function linear(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return differentiable(
    [x, w, b],
    () => {
      const y = tf.fused.matMul({ a: x, b: w, bias: b });
      return { value: y as tf.Tensor2D, saved: [x, w] };
    },
    (dy, [x, w]) => [tf.matMul(dy, w!, false, true), tf.matMul(x!, dy, true, false), tf.sum(dy, 0)],
  );
}
