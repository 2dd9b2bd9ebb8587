import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";

export type Inputs = Record<string, TensorInfo>;

/** A kernel of ours for the webgpu back end. */
export function floatKernel(
  kernelName: string,
  run: (backend: WebGPUBackend, inputs: Inputs, attrs: Record<string, number>) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName,
    backendName: "webgpu",
    kernelFunc: (call) =>
      run(call.backend as WebGPUBackend, call.inputs as Inputs, call.attrs as Record<string, number>),
  };
}

/** An input that must be there as float32. */
export function need(inputs: Inputs, name: string): TensorInfo {
  const tensor = inputs[name];
  if (tensor?.dtype !== "float32") throw new Error(`Expected \`${name}\` to be a float32 tensor`);
  return tensor;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** Rows and columns when everything but the last axis is one. */
export function tableOf(x: TensorInfo): [number, number] {
  const columns = x.shape[x.shape.length - 1] ?? 1;
  return [sizeOf(x.shape) / Math.max(1, columns), columns];
}
