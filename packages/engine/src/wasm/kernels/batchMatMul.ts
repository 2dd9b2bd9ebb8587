import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WasmBackend } from "../wasmModule.js";

const stock = tf.getKernel("BatchMatMul", "wasm");
const transpose = tf.getKernel("Transpose", "wasm");

/** a [..., M, K] · b [..., K, N], either one transposed. The stock kernel is 10 times slower on transposed input. */
export const batchMatMul: KernelConfig = {
  ...stock,
  kernelFunc: (call) => {
    const backend = call.backend as WasmBackend;
    const { transposeA, transposeB } = call.attrs as { transposeA: boolean; transposeB: boolean };
    const made: TensorInfo[] = [];
    const turned = (x: TensorInfo, turn: boolean) => {
      if (!turn) return x;
      const perm = x.shape.map((_, i) => i);
      perm.push(perm.pop() ?? 0, ...[]);
      [perm[perm.length - 2], perm[perm.length - 1]] = [perm.length - 1, perm.length - 2];
      const t = transpose.kernelFunc({ inputs: { x }, backend, attrs: { perm } }) as TensorInfo;
      made.push(t);
      return t;
    };
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    const out = stock.kernelFunc({
      inputs: { a: turned(a, transposeA), b: turned(b, transposeB) },
      backend,
      attrs: { transposeA: false, transposeB: false },
    });
    for (const t of made) backend.disposeData(t.dataId);
    return out;
  },
};
