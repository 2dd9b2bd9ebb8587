import * as tf from "@tensorflow/tfjs";
import type { KernelConfig } from "@tensorflow/tfjs";
import { batchMatMul } from "./batchMatMul.js";
import { conv2dBackpropFilter } from "./conv2dBackpropFilter.js";
import { unsortedSegmentSum } from "./unsortedSegmentSum.js";

const ours: KernelConfig[] = [batchMatMul, conv2dBackpropFilter, unsortedSegmentSum];

/** Registers our kernels for the wasm back end, in place of the stock ones of the same name. */
export function registerKernels(): void {
  for (const kernel of ours) {
    const known = tf.getKernel(kernel.kernelName, "wasm");
    if (known !== undefined && known.kernelFunc !== kernel.kernelFunc)
      tf.unregisterKernel(kernel.kernelName, "wasm");
    if (known?.kernelFunc !== kernel.kernelFunc) tf.registerKernel(kernel);
  }
}
