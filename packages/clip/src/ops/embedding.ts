import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";

/**
 * Rows of a table by number. The gradient adds up rows that were taken more than once; it is dense, [V, D].
 *
 * @param table [V, D]
 * @param ids [N] int32
 * @returns [N, D]
 */
export function embedding(table: tf.Tensor, ids: tf.Tensor1D): tf.Tensor2D {
  return differentiable(
    [table],
    () => ({ value: tf.gather(table, ids) as tf.Tensor2D, saved: [ids] }),
    (dy, [ids]) => [tf.scatterND(tf.reshape(ids!, [-1, 1]), dy, table.shape as [number, number])],
  );
}
