import * as tf from "@tensorflow/tfjs";

/**
 * A function of tensors with a hand-written gradient: `tf.customGrad` with types.
 *
 * @param inputs what the gradient is asked for; `forward` uses them by closure
 * @param forward the value, and the tensors that the gradient needs (kept until it has run)
 * @param gradient one gradient for each input, from the value's gradient and the saved tensors
 */
export function differentiable<T extends tf.Tensor>(
  inputs: tf.Tensor[],
  forward: () => { value: T; saved: tf.Tensor[] },
  gradient: (dy: T, saved: tf.Tensor[]) => tf.Tensor[],
): T {
  const run = tf.customGrad((...args: unknown[]) => {
    const { value, saved } = forward();
    const save = args[args.length - 1] as (tensors: tf.Tensor[]) => void;
    save(saved);
    return { value, gradFunc: (dy: tf.Tensor, kept: tf.Tensor[]) => gradient(dy as T, kept) };
  });
  return run(...inputs);
}
