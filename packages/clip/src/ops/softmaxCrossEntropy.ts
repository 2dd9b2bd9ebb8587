import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";

/**
 * Mean cross entropy of a square table of logits whose right answers lie on the diagonal, by rows and by columns, halved:
 * CLIP's loss.
 *
 * @param logits [B, B]
 * @returns a scalar
 */
export function symmetricCrossEntropy(logits: tf.Tensor): tf.Scalar {
  const size = logits.shape[0];
  return differentiable(
    [logits],
    () => {
      const rows = logProbabilities(logits);
      const columns = logProbabilities(tf.transpose(logits));
      const eye = tf.eye(size);
      const both = tf.add(rows, columns);
      const value: tf.Scalar = tf.mul(tf.sum(tf.mul(both, eye)), -0.5 / size);
      const slope = tf.sub(tf.add(tf.exp(rows), tf.transpose(tf.exp(columns))), tf.mul(eye, 2));
      return { value, saved: [slope] };
    },
    (dy, [slope]) => [tf.mul(slope!, tf.mul(dy, 0.5 / size))],
  );
}

/** Logarithm of the softmax of each row. */
function logProbabilities(logits: tf.Tensor): tf.Tensor {
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  return tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
}
