import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { WasmBackend } from "./wasmModule.js";

/** Where a tensor's values start, in bytes. Holds until the tensor is disposed. */
export function pointerOf(backend: WasmBackend, tensor: TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId) >>> 0;
}

/** A tensor's values as they lie on the heap. The memory is shared, so the view stays good when the heap grows. */
export function floatsOf(backend: WasmBackend, tensor: TensorInfo): Float32Array {
  return new Float32Array(backend.wasm.HEAPU8.buffer, pointerOf(backend, tensor), sizeOf(tensor.shape));
}

/** As `floatsOf`, for int32 tensors. */
export function intsOf(backend: WasmBackend, tensor: TensorInfo): Int32Array {
  return new Int32Array(backend.wasm.HEAPU8.buffer, pointerOf(backend, tensor), sizeOf(tensor.shape));
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, d) => product * d, 1);
}

/** A tensor whose values are still to be written. */
export function makeOutput(
  backend: WasmBackend,
  shape: readonly number[],
  dtype: DataType = "float32",
): TensorInfo {
  return backend.makeOutput([...shape], dtype);
}

/** A second handle on a tensor's values under another shape, as TensorFlow.js's own Reshape does. */
export function reshaped(backend: WasmBackend, tensor: TensorInfo, shape: readonly number[]): TensorInfo {
  backend.incRef(tensor.dataId);
  return { dataId: tensor.dataId, shape: [...shape], dtype: tensor.dtype };
}
