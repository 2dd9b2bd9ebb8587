import type { KernelFunc, Tensor, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../../engine.js";
import type { NodeBackend, OpAttribute } from "../compiled/binding.js";

/** How one of packages/clip's fused kernels runs as an operation of native/*.cc. */
interface NativeKernel {
  op: string;
  /** Names of the kernel's inputs, in the operation's order. */
  inputs: readonly string[];
  outputs: number;
  /** The operation's `rectified`, where it has one. */
  rectified?: boolean;
}

const normInputs = ["x", "weight", "bias", "mean", "variance"];

/** Kernels by the names under which packages/clip asks for them (src/ops/fusedKernel.ts there). */
const nativeKernels: Readonly<Record<string, NativeKernel>> = {
  PairloomLayerNorm: { op: "PairloomLayerNorm", inputs: ["x", "weight", "bias"], outputs: 3 },
  PairloomLayerNormGradient: {
    op: "PairloomLayerNormGradient",
    inputs: ["dy", "normal", "inverse", "weight"],
    outputs: 3,
  },
  PairloomAfter: { op: "PairloomAfter", inputs: ["x", "trigger"], outputs: 1 },
  PairloomColumnMoments: { op: "PairloomColumnMoments", inputs: ["x"], outputs: 2 },
  PairloomBatchNorm: { op: "PairloomBatchNorm", inputs: normInputs, outputs: 1, rectified: false },
  PairloomBatchNormRelu: { op: "PairloomBatchNorm", inputs: normInputs, outputs: 1, rectified: true },
  PairloomBatchNormGradient: {
    op: "PairloomBatchNormGradient",
    // where nothing is rectified the bias does not matter: the weight stands in for it
    inputs: ["dy", "x", "weight", "weight", "mean", "variance"],
    outputs: 3,
    rectified: false,
  },
  PairloomBatchNormReluGradient: {
    op: "PairloomBatchNormGradient",
    inputs: ["dy", ...normInputs],
    outputs: 3,
    rectified: true,
  },
  ...Object.fromEntries(
    ["QuickGelu", "Gelu", "TanhGelu"].flatMap((name) => [
      [`Pairloom${name}`, { op: `Pairloom${name}`, inputs: ["x"], outputs: 1 }],
      [`Pairloom${name}Gradient`, { op: `Pairloom${name}Gradient`, inputs: ["x", "dy"], outputs: 1 }],
    ]),
  ),
};

/** Runs an operation of any name on TensorFlow.js tensors. */
export function runOp(
  backend: NodeBackend,
  op: string,
  inputs: readonly TensorInfo[],
  attributes: OpAttribute[],
  outputs: number,
): Tensor[] {
  const ids = backend.getInputTensorIds(inputs);
  return backend.binding
    .executeOp(op, attributes, ids, outputs)
    .map((one) => backend.createOutputTensor(one));
}

/** Registers the fused kernels that the binding was compiled with (CPU only). */
export function registerNativeKernels(tf: Tf): void {
  for (const [kernelName, kernel] of Object.entries(nativeKernels)) {
    const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
      const node = backend as unknown as NodeBackend;
      const { TF_ATTR_FLOAT, TF_ATTR_BOOL } = node.binding;
      const { epsilon } = (attrs ?? {}) as { epsilon?: number };
      const attributes: OpAttribute[] = [];
      if (epsilon !== undefined) attributes.push({ name: "epsilon", type: TF_ATTR_FLOAT, value: epsilon });
      if (kernel.rectified !== undefined)
        attributes.push({ name: "rectified", type: TF_ATTR_BOOL, value: kernel.rectified });
      const given = kernel.inputs.map((name) => inputs[name]!);
      return runOp(node, kernel.op, given, attributes, kernel.outputs);
    };
    tf.registerKernel({ kernelName, backendName: "tensorflow", kernelFunc });
  }
}
