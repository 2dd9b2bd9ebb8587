import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { makeOutput, pointerOf, sizeOf } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";

/** The numbers by which assembly/fused.as knows its functions. */
const operations = { Exp: 0, Sigmoid: 1, Gelu: 2, QuickGelu: 3, TanhGelu: 4, Erf: 5, Tanh: 6 } as const;
type Operation = keyof typeof operations;

/** Four numbers and one function of the exponential each: far from the memory's speed, so threads pay. */
const costPerNumber = 10;

function unary(kernelName: string, operation: Operation): KernelConfig {
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: (call) => {
      const backend = call.backend as TrainingBackend;
      const x = call.inputs["x"] as TensorInfo;
      if (x.dtype !== "float32") throw new Error(`Expected float32 input of ${kernelName}, got ${x.dtype}`);
      const out = makeOutput(backend, x.shape);
      const units = sizeOf(x.shape);
      backend.pool.run("unary", [operations[operation], pointerOf(backend, x), pointerOf(backend, out)], {
        ...{ units, grain: 16, cost: units * costPerNumber },
      });
      return out;
    },
  };
}

function unaryGradient(kernelName: string, operation: Operation): KernelConfig {
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: (call) => {
      const backend = call.backend as TrainingBackend;
      const { x, dy } = call.inputs as { x: TensorInfo; dy: TensorInfo };
      const out = makeOutput(backend, x.shape);
      const units = sizeOf(x.shape);
      const args = [operations[operation], ...[x, dy, out].map((t) => pointerOf(backend, t))];
      backend.pool.run("unaryGradient", args, { units, grain: 16, cost: units * costPerNumber });
      return out;
    },
  };
}

/** Functions of one number. `Pairloom…` kernels are ours by name: the activations and their gradients in one pass. */
export const elementwise: KernelConfig[] = [
  unary("Exp", "Exp"),
  unary("Sigmoid", "Sigmoid"),
  unary("Erf", "Erf"),
  unary("Tanh", "Tanh"),
  ...(["Gelu", "QuickGelu", "TanhGelu"] as const).flatMap((name) => [
    unary(`Pairloom${name}`, name),
    unaryGradient(`Pairloom${name}Gradient`, name),
  ]),
];
