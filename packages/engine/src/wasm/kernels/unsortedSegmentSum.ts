import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { floatsOf, intsOf, makeOutput, sizeOf } from "../heap.js";
import type { WasmBackend } from "../wasmModule.js";

/**
 * The gradient of gather (the token embedding's): x [N, …], segmentIds [N] → [numSegments, …], the sum of the rows of
 * each segment. Negative ids are dropped, as everywhere in TensorFlow. The back end lacks it.
 */
export const unsortedSegmentSum: KernelConfig = {
  kernelName: "UnsortedSegmentSum",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as WasmBackend;
    const { x, segmentIds } = call.inputs as { x: TensorInfo; segmentIds: TensorInfo };
    const { numSegments } = call.attrs as unknown as { numSegments: number };
    const width = sizeOf(x.shape) / Math.max(1, sizeOf(segmentIds.shape));
    const out = makeOutput(backend, [numSegments, ...x.shape.slice(segmentIds.shape.length)]);
    const ids = intsOf(backend, segmentIds);
    const from = floatsOf(backend, x);
    const to = floatsOf(backend, out).fill(0);
    for (let n = 0; n < ids.length; n++) {
      const id = ids[n] ?? -1;
      if (id < 0 || id >= numSegments) continue;
      const row = to.subarray(id * width, (id + 1) * width);
      for (let i = 0, j = n * width; i < width; i++, j++) row[i] = (row[i] ?? 0) + (from[j] ?? 0);
    }
    return out;
  },
};
