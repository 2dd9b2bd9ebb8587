import * as tf from "@tensorflow/tfjs";
import type { KernelConfig } from "@tensorflow/tfjs";
import { activationKernels } from "./activations.js";
import { batchMatMul } from "./batchMatMul.js";
import { batchNormKernels } from "./batchNorm.js";
import { filterGradient } from "./filterGradient.js";
import { layerNormKernels } from "./layerNorm.js";
import { reduction } from "./reductions.js";
import { scatterNd, unsortedSegmentSum } from "./scatterRows.js";

let registered = false;

/** Registers our kernels for the webgpu back end, in place of the stock ones of the same name. Once a process. */
export function registerKernels(): void {
  if (registered) return;
  registered = true;
  const stock = (name: string): KernelConfig => tf.getKernel(name, "webgpu");
  const ours: KernelConfig[] = [
    batchMatMul(stock("BatchMatMul")),
    filterGradient(stock("Conv2DBackpropFilter")),
    unsortedSegmentSum(stock("UnsortedSegmentSum"), stock("Fill")),
    scatterNd(stock("ScatterNd"), stock("Fill")),
    reduction(stock("Sum"), false),
    reduction(stock("Mean"), true),
    ...activationKernels,
    ...layerNormKernels,
    ...batchNormKernels,
  ];
  for (const kernel of ours) {
    if (tf.getKernel(kernel.kernelName, "webgpu") !== undefined)
      tf.unregisterKernel(kernel.kernelName, "webgpu");
    tf.registerKernel(kernel);
  }
}
