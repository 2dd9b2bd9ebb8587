import type { KernelFunc, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";
import type { NodeBackend } from "../compiled/binding.js";
import { runOp } from "./nativeKernels.js";

/** `PairloomReluGradient` (packages/clip/src/ops/fusedKernel.ts) is TensorFlow's ReluGrad. */
export function registerReluGradientKernel(tf: Tf): void {
  const kernelFunc: KernelFunc = ({ inputs, backend }) => {
    const { dy, y } = inputs as unknown as { dy: Tensor; y: Tensor };
    const node = backend as unknown as NodeBackend;
    const type = { name: "T", type: node.binding.TF_ATTR_TYPE, value: node.binding.TF_FLOAT };
    return runOp(node, "ReluGrad", [dy, y], [type], 1)[0]!;
  };
  tf.registerKernel({ kernelName: "PairloomReluGradient", backendName: "tensorflow", kernelFunc });
}
