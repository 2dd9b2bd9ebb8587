import * as tf from "@tensorflow/tfjs";

/**
 * Kernels that an engine may offer to do one of this folder's operations in one pass. An engine offers one by registering
 * it with TensorFlow.js under its name for its back end; where none is registered, the operation is composed of
 * TensorFlow.js's own. Inputs and outputs:
 *
 * - `PairloomLayerNorm` x [N, D], weight, bias; epsilon → y, normal [N, D], inverse [N, 1]
 * - `PairloomLayerNormGradient` dy, normal, inverse, weight → dx, dWeight, dBias
 * - `PairloomColumnMoments` x [N, C] → mean, biased variance
 * - `PairloomBatchNorm` x, weight, bias, mean, variance; epsilon → y
 * - `PairloomBatchNormGradient` dy, x, weight, mean, variance; epsilon → dx, dWeight, dBias
 * - `PairloomBatchNormRelu` x, weight, bias, mean, variance; epsilon → y, and what is below zero is zero
 * - `PairloomBatchNormReluGradient` dy, x, weight, bias, mean, variance; epsilon → dx, dWeight, dBias
 * - `PairloomReluGradient` dy, y → dx, dy where y is above zero
 * - `PairloomFloat32MatMul` a, b; transposeA, transposeB (0 or 1) → their product, in float32 whatever the precision
 * - `PairloomAfter` x, trigger → x, once the trigger is there: what is computed of it is computed then
 * - `PairloomQuickGelu`, `PairloomGelu`, `PairloomTanhGelu` x → y, and each with `Gradient`: x, dy → dx
 */
export type FusedKernelName =
  | "PairloomLayerNorm"
  | "PairloomLayerNormGradient"
  | "PairloomColumnMoments"
  | "PairloomBatchNorm"
  | "PairloomBatchNormGradient"
  | "PairloomBatchNormRelu"
  | "PairloomBatchNormReluGradient"
  | "PairloomReluGradient"
  | "PairloomFloat32MatMul"
  | "PairloomAfter"
  | `Pairloom${"QuickGelu" | "Gelu" | "TanhGelu"}${"" | "Gradient"}`;

/** Runs the current back end's kernel of this name; null if it has none. For use inside `differentiable` only. */
export function fusedKernel(
  name: FusedKernelName,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, number> = {},
): tf.Tensor[] | null {
  if (!hasFusedKernel(name)) return null;
  const outputs: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(name, inputs, attributes);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Whether the current back end has a kernel of this name. A look into a map: cheap enough for every call. */
export function hasFusedKernel(name: FusedKernelName): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}
