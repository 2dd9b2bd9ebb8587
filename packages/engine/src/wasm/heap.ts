import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { TrainingBackend } from "./trainingBackend.js";

/** Where a tensor's values start, in bytes. Holds until the tensor is disposed. */
export function pointerOf(backend: TrainingBackend, tensor: TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId) >>> 0;
}

/** A tensor's values as they lie on the heap. The memory is shared, so the view stays good when the heap grows. */
export function floatsOf(backend: TrainingBackend, tensor: TensorInfo): Float32Array {
  return new Float32Array(backend.wasm.HEAPU8.buffer, pointerOf(backend, tensor), sizeOf(tensor.shape));
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, d) => product * d, 1);
}

/** A tensor whose values are still to be written. */
export function makeOutput(
  backend: TrainingBackend,
  shape: readonly number[],
  dtype: DataType = "float32",
): TensorInfo {
  return backend.makeOutput([...shape], dtype);
}
