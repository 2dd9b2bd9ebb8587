import type { KernelFunc, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";
import type { NodeBackend } from "../compiled/binding.js";
import { runOp } from "./nativeKernels.js";

/**
 * Rows by number. The stock kernel reads the numbers back to check them, which costs a wait and keeps a program from
 * being compiled; TensorFlow's own operation refuses numbers out of range on a CPU.
 */
export function registerGatherKernel(tf: Tf): void {
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
    const { axis, batchDims } = attrs as unknown as { axis: number; batchDims: number };
    const { x, indices } = inputs as unknown as { x: Tensor; indices: Tensor };
    const node = backend as unknown as NodeBackend;
    const { TF_ATTR_INT, TF_ATTR_TYPE, TF_FLOAT, TF_INT32 } = node.binding;
    const attributes = [
      { name: "batch_dims", type: TF_ATTR_INT, value: batchDims },
      { name: "Tparams", type: TF_ATTR_TYPE, value: x.dtype === "int32" ? TF_INT32 : TF_FLOAT },
      { name: "Tindices", type: TF_ATTR_TYPE, value: TF_INT32 },
      { name: "Taxis", type: TF_ATTR_TYPE, value: TF_INT32 },
    ];
    return tf.tidy(() => runOp(node, "GatherV2", [x, indices, tf.scalar(axis, "int32")], attributes, 1)[0]!);
  };
  tf.unregisterKernel("GatherV2", "tensorflow");
  tf.registerKernel({ kernelName: "GatherV2", backendName: "tensorflow", kernelFunc });
}
