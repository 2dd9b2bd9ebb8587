import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/**
 * block(x), of which nothing is kept for the gradient but x: it is computed again then (Chen et al. 2016, sublinear
 * memory cost).
 *
 * @param parameters everything else that the block takes gradients of
 * @param constants what the block uses besides; it is handed to the block, which may not take it from elsewhere
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
    (dy, [saved, ...kept]) => {
      // not before dy is there, and not the computation that was: an engine that compiles would make one of the two
      const again = after(saved!, dy);
      const [dx, ...others] = gradientsWithin(() => block(again, kept), [again, ...parameters], dy);
      // the block before waits for this one's parameters, whose gradients hold on to all that was computed again
      return [others.reduce(after, dx!), ...others];
    },
  );
}

/** x, where an engine compiles: not before another tensor is there. */
function after(x: tf.Tensor, trigger: tf.Tensor): tf.Tensor {
  return fusedKernel("PairloomAfter", { x, trigger })?.[0] ?? x;
}

/** Gradients taken while others are taken: TensorFlow.js knows one tape at a time, and the outer one is still needed. */
function gradientsWithin(run: () => tf.Tensor, inputs: tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const engine = tf.engine();
  const outer = engine.state.activeTape;
  try {
    const { value, grads } = engine.gradients(run, inputs, dy);
    value.dispose();
    return grads;
  } finally {
    engine.state.activeTape = outer;
  }
}
