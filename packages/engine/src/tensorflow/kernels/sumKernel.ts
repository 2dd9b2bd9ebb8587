import type { KernelFunc, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";
import type { NodeBackend } from "../compiled/binding.js";
import { runOp } from "./nativeKernels.js";

/** Sums over leading axes (gradients of biases and of positions) by the binding's own operation; all others as they were. */
export function registerSumKernel(tf: Tf): void {
  const stock = tf.getKernel("Sum", "tensorflow");
  const kernelFunc: KernelFunc = (arguments_) => {
    const x = arguments_.inputs["x"] as unknown as Tensor;
    const { axis, keepDims } = arguments_.attrs as unknown as { axis: number | number[]; keepDims?: boolean };
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const leading = axes.length < x.rank && axes.every((one, i) => one === i);
    if (!leading || axes.length === 0 || keepDims === true || x.dtype !== "float32")
      return stock.kernelFunc(arguments_);
    const kept = x.shape.slice(axes.length);
    const width = tf.util.sizeFromShape(kept);
    const node = arguments_.backend as unknown as NodeBackend;
    return tf.tidy(() => {
      const rows = tf.reshape(x, [x.size / width, width]);
      return tf.reshape(runOp(node, "PairloomColumnSum", [rows], [], 1)[0]!, kept);
    });
  };
  tf.unregisterKernel("Sum", "tensorflow");
  tf.registerKernel({ kernelName: "Sum", backendName: "tensorflow", kernelFunc });
}
