import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/**
 * block(x), of which nothing is kept for the gradient but x: it is computed again then (Chen et al. 2016, sublinear
 * memory cost).
 *
 * @param parameters everything else that the block takes gradients of
 */
export function recomputed<T extends tf.Tensor>(
  x: tf.Tensor,
  parameters: readonly tf.Tensor[],
  block: (x: tf.Tensor) => T,
): T {
  return differentiable<T>(
    [x, ...parameters],
    () => ({ value: block(x), saved: [x] }),
    (dy, [saved]) => {
      // not before dy is there, and not the computation that was: an engine that compiles would make one of the two
      const [again] = fusedKernel("PairloomAfter", { x: saved!, trigger: dy }) ?? [saved!];
      const inputs = [again!, ...parameters];
      // the inner pass disposes what it adds up: the outer one's slope is not its to dispose
      return tf.engine().gradients(() => block(again!), inputs, tf.clone(dy)).grads;
    },
  );
}
