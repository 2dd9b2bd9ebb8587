import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { columnSums, plainTerm } from "../columnSums.js";
import { sizeOf } from "./floatKernel.js";

/**
 * Sum or mean over leading axes, as gradients of biases are, in one pass along the rows; the stock kernel turns the table
 * first and then gives each column to one workgroup. Other axes go the stock way.
 */
export function reduction(stock: KernelConfig, mean: boolean): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { x } = call.inputs as { x: TensorInfo };
      const { axis, keepDims } = call.attrs as unknown as { axis: number | number[]; keepDims: boolean };
      const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
      const leading = axes.length < x.shape.length && axes.every((at, i) => at === i);
      if (axes.length === 0 || !leading || x.dtype !== "float32" || sizeOf(x.shape) === 0)
        return stock.kernelFunc(call);
      const rows = sizeOf(x.shape.slice(0, axes.length));
      const rest = x.shape.slice(axes.length);
      const backend = call.backend as WebGPUBackend;
      const sums = columnSums(backend, plainTerm(x), rows, sizeOf(rest), mean ? 1 / rows : 1);
      return { ...sums, shape: keepDims ? [...axes.map(() => 1), ...rest] : rest };
    },
  };
}
