import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/**
 * a · bᵀ in float32, and so its gradient, where an engine computes products in less: logits are multiplied by up to 100,
 * and what bfloat16 rounds away of them the loss would see.
 *
 * @param a [M, K]
 * @param b [N, K]
 * @returns [M, N]
 */
export function exactMatMul(a: tf.Tensor, b: tf.Tensor): tf.Tensor2D {
  return differentiable(
    [a, b],
    () => ({ value: product(a, b, false, true), saved: [a, b] }),
    (dy, [a, b]) => [product(dy, b!, false, false), product(dy, a!, true, false)],
  );
}

function product(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor2D {
  const attributes = { transposeA: Number(transposeA), transposeB: Number(transposeB) };
  const [exact] = fusedKernel("PairloomFloat32MatMul", { a, b }, attributes) ?? [];
  return (exact ?? tf.matMul(a, b, transposeA, transposeB)) as tf.Tensor2D;
}
