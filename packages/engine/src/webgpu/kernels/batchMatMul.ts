import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { columnSums, plainTerm } from "../columnSums.js";

/** Tiles of 32×32 below which a product has too few workgroups to fill a GPU, and the depth from which parts pay. */
const fewTiles = 64;
const deep = 1024;

/**
 * aᵀ·b with a long inner side (the gradient of a weight: [N, I], [N, O] → [I, O]) in parts along it, each a matrix of a
 * batched product, summed afterwards in one order. The stock back end adds such parts with atomics, in any order.
 */
export function batchMatMul(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
      const { transposeA, transposeB } = call.attrs as unknown as {
        transposeA: boolean;
        transposeB: boolean;
      };
      const backend = call.backend as WebGPUBackend;
      if (!transposeA || transposeB || a.shape.length !== 2 || b.shape.length !== 2)
        return stock.kernelFunc(call);
      const [inner, high] = a.shape as [number, number];
      const wide = b.shape[1]!;
      const parts = partsOf(inner, Math.ceil(high / 32) * Math.ceil(wide / 32));
      if (parts === 1) return stock.kernelFunc(call);
      const partial = stock.kernelFunc({
        ...call,
        inputs: {
          a: { ...a, shape: [parts, inner / parts, high] },
          b: { ...b, shape: [parts, inner / parts, wide] },
        },
      }) as TensorInfo;
      const sums = columnSums(backend, plainTerm(partial), parts, high * wide);
      backend.disposeData(partial.dataId);
      return { ...sums, shape: [high, wide] };
    },
  };
}

/** Into how many equal parts the inner side is cut: enough to fill a GPU, each at least 128 deep. */
export function partsOf(inner: number, tiles: number): number {
  if (tiles >= fewTiles || inner < deep) return 1;
  let parts = Math.min(Math.floor(inner / 128), Math.ceil((4 * fewTiles) / tiles));
  while (inner % parts !== 0) parts--;
  return parts;
}
