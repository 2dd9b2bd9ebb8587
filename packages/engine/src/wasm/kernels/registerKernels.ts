import * as tf from "@tensorflow/tfjs";
import type { KernelConfig } from "@tensorflow/tfjs";
import { batchNormalisation } from "./batchNormalisation.js";
import { batchMatMul } from "./batchMatMul.js";
import { conv2d, conv2dBackpropFilter, conv2dBackpropInput } from "./convolutions.js";
import { elementwise } from "./elementwise.js";
import { fusedMatMul } from "./fusedMatMul.js";
import { normalisations } from "./normalisations.js";
import { poolGradients } from "./poolGradients.js";
import { reduction } from "./reductions.js";
import { scatterNd, unsortedSegmentSum } from "./unsortedSegmentSum.js";

let registered = false;

/** Registers our kernels for the wasm back end, in place of the stock ones of the same name. Once a process. */
export function registerKernels(): void {
  if (registered) return;
  registered = true;
  const stock = (name: string) => tf.getKernel(name, "wasm");
  const ours: KernelConfig[] = [
    batchMatMul,
    fusedMatMul(stock("_FusedMatMul")),
    conv2d,
    conv2dBackpropInput,
    conv2dBackpropFilter,
    unsortedSegmentSum,
    scatterNd(stock("ScatterNd")),
    reduction(stock("Sum"), false),
    reduction(stock("Mean"), true),
    ...poolGradients,
    ...elementwise,
    ...normalisations,
    ...batchNormalisation,
  ];
  for (const kernel of ours) {
    if (tf.getKernel(kernel.kernelName, "wasm") !== undefined) tf.unregisterKernel(kernel.kernelName, "wasm");
    tf.registerKernel(kernel);
  }
}
