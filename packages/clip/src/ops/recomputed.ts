import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/**
 * block(x), of which nothing is kept for the gradient but x: it is computed again then (Chen et al. 2016, sublinear
 * memory cost).
 *
 * @param parameters variables that the block takes gradients of
 * @param constants what else it reads: given to it each time, since the first ones are gone by the second
 */
export function recomputed<T extends tf.Tensor>(
  x: tf.Tensor,
  parameters: readonly tf.Tensor[],
  constants: readonly tf.Tensor[],
  block: (x: tf.Tensor, constants: readonly tf.Tensor[]) => T,
): T {
  return differentiable<T>(
    [x, ...parameters],
    () => ({ value: block(x, constants), saved: [x, ...constants] }),
    (dy, [saved, ...constants]) => {
      // not before dy is there, and not the computation that was: an engine that compiles would make one of the two
      const [again] = fusedKernel("PairloomAfter", { x: saved!, trigger: dy }) ?? [saved!];
      return withOwnTape(
        // the inner pass disposes what it adds up: the outer one's slope is not its to dispose
        () => tf.engine().gradients(() => block(again!, constants), [again!, ...parameters], tf.clone(dy)).grads,
      );
    },
  );
}

/** TensorFlow.js drops its tape after each pass of gradients: one within another must leave it the outer's. */
function withOwnTape<T>(work: () => T): T {
  const { state } = tf.engine();
  const { activeTape } = state;
  try {
    return work();
  } finally {
    state.activeTape = activeTape;
  }
}
