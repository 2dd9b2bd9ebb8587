import type { KernelFunc, Tensor } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";
import { inFloat32 } from "../compiled/recordOps.js";

/** `PairloomFloat32MatMul` (packages/clip/src/ops/exactMatMul.ts): a product that stays in float32 in every program. */
export function registerFloat32MatMulKernel(tf: Tf): void {
  const kernelFunc: KernelFunc = ({ inputs, attrs }) => {
    const { a, b } = inputs as unknown as { a: Tensor; b: Tensor };
    const { transposeA, transposeB } = attrs as unknown as { transposeA: number; transposeB: number };
    return inFloat32(() => tf.matMul(a, b, transposeA !== 0, transposeB !== 0));
  };
  tf.registerKernel({ kernelName: "PairloomFloat32MatMul", backendName: "tensorflow", kernelFunc });
}
