import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { makeOutput, pointerOf, sizeOf } from "../heap.js";
import { multiply, multiplyBatch, operand } from "../multiply.js";
import type { TrainingBackend } from "../trainingBackend.js";

/**
 * a [..., M, K] · b [..., K, N], either one turned. The stock kernel is slow on turned and on batched input, runs on one
 * thread and remembers b's values, which the optimizer changes in place.
 */
export const batchMatMul: KernelConfig = {
  kernelName: "BatchMatMul",
  backendName: "wasm",
  kernelFunc: (call) => {
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    return matMul(call.backend as TrainingBackend, a, b, transposeA, transposeB);
  },
};

function matMul(
  backend: TrainingBackend,
  a: TensorInfo,
  b: TensorInfo,
  turnA: boolean,
  turnB: boolean,
): TensorInfo {
  if (a.dtype !== "float32" || b.dtype !== "float32")
    throw new Error(`Expected float32 factors of matMul, got ${a.dtype} and ${b.dtype}`);
  const [m, k] = matrixOf(a, turnA);
  const [k2, n] = matrixOf(b, turnB);
  if (k !== k2)
    throw new Error(
      `Expected inner sizes of matMul to be equal, got ${k} and ${k2} (${a.shape.join("×")} and ${b.shape.join("×")})`,
    );
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const [countA, countB, count] = [sizeOf(outerA), sizeOf(outerB), sizeOf(outer)];
  const out = makeOutput(backend, [...outer, m, n]);
  if (sizeOf(out.shape) === 0) return out;
  const c = pointerOf(backend, out);
  const left = operand(backend, a, turnA);
  const right = operand(backend, b, turnB);
  if (countB === 1 && !turnA) {
    multiply(backend, left, right, c, { m: m * countA, n, k });
  } else if (count === 1) {
    multiply(backend, left, right, c, { m, n, k });
  } else if ((countA === count || countA === 1) && (countB === count || countB === 1)) {
    const stepA = countA === 1 ? 0 : m * k;
    const stepB = countB === 1 ? 0 : k * n;
    multiplyBatch(backend, { ...left, step: stepA }, { ...right, step: stepB }, c, { count, m, n, k });
  } else {
    // Axes that repeat on both sides, such as [2, 1] with [1, 3]: product by product
    const placeA = tf.broadcast_util.getBroadcastDims(outerA, outer);
    const placeB = tf.broadcast_util.getBroadcastDims(outerB, outer);
    for (let i = 0; i < count; i++) {
      const from = left.pointer + 4 * m * k * placeOf(i, outer, outerA, placeA);
      const by = right.pointer + 4 * k * n * placeOf(i, outer, outerB, placeB);
      multiply(backend, { ...left, pointer: from }, { ...right, pointer: by }, c + 4 * m * n * i, {
        m,
        n,
        k,
      });
    }
  }
  return out;
}

/** Rows and columns of a matrix as it takes part in the product. */
function matrixOf(x: TensorInfo, turned: boolean): [number, number] {
  const [rows = 1, columns = 1] = x.shape.slice(-2);
  return turned ? [columns, rows] : [rows, columns];
}

/** Which matrix of a tensor with outer axes `own` belongs to product i of outer axes `outer`. */
function placeOf(i: number, outer: number[], own: number[], repeated: number[]): number {
  const index = tf.util.indexToLoc(i, outer.length, tf.util.computeStrides(outer));
  const mine = index
    .slice(outer.length - own.length)
    .map((at, d) => (repeated.includes(d) || own[d] === 1 ? 0 : at));
  return own.length === 0 ? 0 : tf.util.locToIndex(mine, own.length, tf.util.computeStrides(own));
}
