import type { KernelFunc, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";
import type { NodeBackend } from "../compiled/binding.js";
import { runOp } from "./nativeKernels.js";

/**
 * A product with a bias: as MatMul and BiasAdd, which TensorFlow's graph optimizer makes one operation of. The stock
 * kernel adds by `Add`, which it leaves alone. An activation goes to the stock kernel.
 */
export function registerFusedMatMulKernel(tf: Tf): void {
  const stock = tf.getKernel("_FusedMatMul", "tensorflow");
  const kernelFunc: KernelFunc = (arguments_) => {
    const { a, b, bias } = arguments_.inputs as unknown as { a: Tensor; b: Tensor; bias?: Tensor };
    const { transposeA, transposeB, activation } = arguments_.attrs as unknown as {
      transposeA: boolean;
      transposeB: boolean;
      activation?: string;
    };
    const plain = activation === undefined || activation === "linear";
    if (bias === undefined || bias.rank !== 1 || !plain) return stock.kernelFunc(arguments_);
    const node = arguments_.backend as unknown as NodeBackend;
    const type = { name: "T", type: node.binding.TF_ATTR_TYPE, value: node.binding.TF_FLOAT };
    return tf.tidy(() => {
      // two matrices come as batches of one, which is the slower product
      const single = a.shape[0] === 1 && b.shape[0] === 1;
      const [left, right] = [a, b].map((one) =>
        single ? tf.reshape(one, one.shape.slice(1) as [number, number]) : one,
      ) as [Tensor, Tensor];
      const product = tf.matMul(left, right, transposeA, transposeB);
      const sum = runOp(node, "BiasAdd", [product, bias], [type], 1)[0]!;
      return single ? tf.reshape(sum, [1, ...sum.shape]) : sum;
    });
  };
  tf.unregisterKernel("_FusedMatMul", "tensorflow");
  tf.registerKernel({ kernelName: "_FusedMatMul", backendName: "tensorflow", kernelFunc });
}
