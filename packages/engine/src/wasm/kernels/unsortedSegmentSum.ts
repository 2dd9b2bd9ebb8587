import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { makeOutput, pointerOf, sizeOf } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";

/**
 * The gradient of gather: x [N, …], segmentIds [N] → [numSegments, …], the sum of the rows of each segment, in order.
 * Negative ids are dropped, as everywhere in TensorFlow. The stock back end lacks it.
 */
export const unsortedSegmentSum: KernelConfig = {
  kernelName: "UnsortedSegmentSum",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as TrainingBackend;
    const { x, segmentIds } = call.inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const { numSegments } = call.attrs as unknown as { numSegments: number };
    const out = makeOutput(backend, [numSegments, ...x.shape.slice(segmentIds.shape.length)]);
    addRows(backend, x, segmentIds, sizeOf(segmentIds.shape), out);
    return out;
  },
};

/** indices [N, 1], updates [N, …] → shape: rows with the same index add up. Deeper indices go the stock way. */
export function scatterNd(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const backend = call.backend as TrainingBackend;
      const { indices, updates } = call.inputs as { indices: TensorInfo; updates: TensorInfo };
      const { shape } = call.attrs as unknown as { shape: number[] };
      if (indices.shape.length !== 2 || indices.shape[1] !== 1 || updates.dtype !== "float32")
        return stock.kernelFunc(call);
      const out = makeOutput(backend, shape);
      addRows(backend, updates, indices, indices.shape[0] ?? 0, out);
      return out;
    },
  };
}

function addRows(
  backend: TrainingBackend,
  x: TensorInfo,
  ids: TensorInfo,
  rows: number,
  out: TensorInfo,
): void {
  const segments = out.shape[0] ?? 0;
  const width = sizeOf(out.shape.slice(1));
  const [from, to] = [pointerOf(backend, x), pointerOf(backend, out)];
  new Float32Array(backend.wasm.HEAPU8.buffer, to, segments * width).fill(0);
  const args = [from, pointerOf(backend, ids), rows, width, segments, to];
  // Each thread takes some columns of all rows: no two add to one number
  backend.pool.run("scatterAdd", args, { units: width, grain: 16, cost: rows * width });
}
