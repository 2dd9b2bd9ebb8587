import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { runShader } from "../shader.js";
import { sizeOf } from "./floatKernel.js";

/** x [N, …], segmentIds [N] → [numSegments, …], the sum of the rows of each segment. Negative ids are dropped. */
export function unsortedSegmentSum(stock: KernelConfig, fill: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { x, segmentIds } = call.inputs as { x: TensorInfo; segmentIds: TensorInfo };
      const { numSegments } = call.attrs as unknown as { numSegments: number };
      if (x.dtype !== "float32") return stock.kernelFunc(call);
      const shape = [numSegments, ...x.shape.slice(segmentIds.shape.length)];
      return addRows(call.backend as WebGPUBackend, fill, x, segmentIds, shape);
    },
  };
}

/** indices [N, 1], updates [N, …] → shape: rows with the same index add up. Deeper indices go the stock way. */
export function scatterNd(stock: KernelConfig, fill: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { indices, updates } = call.inputs as { indices: TensorInfo; updates: TensorInfo };
      const { shape } = call.attrs as unknown as { shape: number[] };
      if (indices.shape.length !== 2 || indices.shape[1] !== 1 || updates.dtype !== "float32")
        return stock.kernelFunc(call);
      return addRows(call.backend as WebGPUBackend, fill, updates, indices, shape);
    },
  };
}

/**
 * The stock kernels add with atomics, in an order that changes from run to run and with it the last bits. Here each row
 * first learns the next row of the same id and whether it is the first of its id; then the first ones sum their chain.
 */
function addRows(
  backend: WebGPUBackend,
  fill: KernelConfig,
  x: TensorInfo,
  ids: TensorInfo,
  shape: number[],
): TensorInfo {
  const out = fill.kernelFunc({
    inputs: {},
    backend,
    attrs: { shape, value: 0, dtype: "float32" },
  }) as TensorInfo;
  const rows = sizeOf(ids.shape);
  const width = sizeOf(shape.slice(1));
  if (rows * width === 0) return out;
  const chains = runShader(backend, {
    key: "chains",
    inputs: { ids },
    counts: { rows },
    code: `
      if (index < uniforms.rows) {
        let id = ids[index];
        var next = index + 1;
        while (next < uniforms.rows && ids[next] != id) { next++; }
        var before = index - 1;
        while (before >= 0 && ids[before] != id) { before--; }
        result[index] = next;
        result[uniforms.rows + index] = select(0, 1, before < 0);
      }`,
    output: [2, rows],
    dtype: "int32",
    grid: { count: rows },
  });
  runShader(backend, {
    key: "scatterRows",
    inputs: { x, ids, chains },
    counts: { rows, width, segments: shape[0]! },
    code: `
      let row = index / uniforms.width;
      let column = index % uniforms.width;
      if (row < uniforms.rows && chains[uniforms.rows + row] == 1) {
        let id = ids[row];
        if (id >= 0 && id < uniforms.segments) {
          var sum = 0.0;
          for (var next = row; next < uniforms.rows; next = chains[next]) { sum += x[next * uniforms.width + column]; }
          result[id * uniforms.width + column] = sum;
        }
      }`,
    output: out,
    grid: { count: rows * width },
  });
  backend.disposeData(chains.dataId);
  return out;
}
