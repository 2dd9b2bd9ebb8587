import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { makeOutput, pointerOf, sizeOf } from "../heap.js";
import { multiply, operand } from "../multiply.js";
import type { TrainingBackend } from "../trainingBackend.js";

interface FusedAttrs {
  transposeA: boolean;
  transposeB: boolean;
  activation: string;
}

/** a [M, K] · b [K, N] + bias [N]: the product is added onto rows that hold the bias. Others go the stock way. */
export function fusedMatMul(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const backend = call.backend as TrainingBackend;
      const { a, b, bias } = call.inputs as { a: TensorInfo; b: TensorInfo; bias?: TensorInfo };
      const { transposeA, transposeB, activation } = call.attrs as unknown as FusedAttrs;
      const n = b.shape[transposeB ? b.shape.length - 2 : b.shape.length - 1] ?? 1;
      const plain = activation === "linear" && sizeOf(b.shape.slice(0, -2)) === 1 && !transposeA;
      if (!plain || bias === undefined || bias.shape.length !== 1 || bias.shape[0] !== n)
        return stock.kernelFunc(call);
      const k = a.shape[a.shape.length - 1] ?? 1;
      const out = makeOutput(backend, [...a.shape.slice(0, -1), n]);
      const m = sizeOf(a.shape.slice(0, -1));
      const c = pointerOf(backend, out);
      backend.pool.run("fillRows", [pointerOf(backend, bias), n, c], { units: m, cost: m * n });
      multiply(backend, operand(backend, a, false), operand(backend, b, transposeB), c, { m, n, k }, true);
      return out;
    },
  };
}
