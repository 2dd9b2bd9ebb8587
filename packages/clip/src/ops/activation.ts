import type * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/** A function of one number in plain TensorFlow.js: the value, what its gradient needs, and the gradient. */
export interface Activation {
  readonly name: "QuickGelu" | "Gelu" | "TanhGelu";
  readonly forward: (x: tf.Tensor) => { value: tf.Tensor; saved: tf.Tensor[] };
  readonly gradient: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor;
}

/** The activation as a differentiable function, by the engine's own kernel where it has one. */
export function activate(activation: Activation, x: tf.Tensor): tf.Tensor {
  const { name } = activation;
  let fused = false;
  return differentiable(
    [x],
    () => {
      const value = fusedKernel(`Pairloom${name}`, { x });
      fused = value !== null;
      return value === null ? activation.forward(x) : { value: value[0]!, saved: [x] };
    },
    (dy, saved) => {
      if (!fused) return [activation.gradient(dy, saved)];
      return fusedKernel(`Pairloom${name}Gradient`, { x: saved[0]!, dy })!;
    },
  );
}
