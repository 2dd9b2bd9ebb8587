import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/** max(x, 0). Any shape. Keeps its output for the gradient, not its input. */
export function relu<T extends tf.Tensor>(x: T): T {
  return differentiable(
    [x],
    () => {
      const value = tf.relu(x);
      return { value, saved: [value] };
    },
    (dy, [y]) => fusedKernel("PairloomReluGradient", { dy, y: y! }) ?? [tf.mul(dy, tf.step(y!))],
  );
}
