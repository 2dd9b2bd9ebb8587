import type { KernelFunc, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";

/**
 * The gradient of ReLU multiplies by Step, which the stock kernel builds from five operations so that NaN stays NaN. A
 * loss that is NaN is refused before any gradient is used, so two do: `greater` and `cast`.
 */
export function registerStepKernel(tf: Tf): void {
  const stock = tf.getKernel("Step", "tensorflow");
  if (stock === undefined) return;
  const kernelFunc: KernelFunc = (arguments_) => {
    const alpha = (arguments_.attrs as { alpha?: number } | undefined)?.alpha ?? 0;
    if (alpha !== 0) return stock.kernelFunc(arguments_);
    const x = arguments_.inputs["x"] as unknown as Tensor;
    return tf.tidy(() => tf.cast(tf.greater(x, 0), "float32"));
  };
  tf.unregisterKernel("Step", "tensorflow");
  tf.registerKernel({ kernelName: "Step", backendName: "tensorflow", kernelFunc });
}
