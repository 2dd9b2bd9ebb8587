import * as tf from "@tensorflow/tfjs";
import { differentiable } from "./differentiable.js";
import { fusedKernel } from "./fusedKernel.js";

/**
 * Layer normalisation over the last axis, with scale and shift.
 *
 * @param x [N, D]
 * @param weight [D]
 * @param bias [D]
 * @returns [N, D]
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon = 1e-5): tf.Tensor2D {
  return differentiable(
    [x, weight, bias],
    () => {
      const fused = fusedKernel("PairloomLayerNorm", { x, weight, bias }, { epsilon });
      const [value, normal, inverse] = fused ?? composed(x, weight, bias, epsilon);
      return { value: value as tf.Tensor2D, saved: [normal!, inverse!, weight] };
    },
    (dy, [normal, inverse, weight]) => {
      const kept = { normal: normal!, inverse: inverse!, weight: weight! };
      return fusedKernel("PairloomLayerNormGradient", { dy, ...kept }) ?? composedGradient(dy, kept);
    },
  );
}

function composed(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor[] {
  const centred = tf.sub(x, tf.mean(x, 1, true));
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
  const normal = tf.mul(centred, inverse);
  return [tf.add(tf.mul(normal, weight), bias), normal, inverse];
}

function composedGradient(
  dy: tf.Tensor,
  { normal, inverse, weight }: { normal: tf.Tensor; inverse: tf.Tensor; weight: tf.Tensor },
): tf.Tensor[] {
  const byNormal = tf.mul(dy, normal);
  const dNormal = tf.mul(dy, weight);
  const along = tf.mean(tf.mul(byNormal, weight), 1, true);
  const rest = tf.sub(tf.sub(dNormal, tf.mean(dNormal, 1, true)), tf.mul(normal, along));
  return [tf.mul(rest, inverse), tf.sum(byNormal, 0), tf.sum(dy, 0)];
}
