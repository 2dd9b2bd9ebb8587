import { PickledStorage, PickledTensor, PickleGlobal, PickleTuple, type PickleValue } from "./pickleValue.js";

/** The storage that a persistent id names, ("storage", type, key, location, elements); null where it names none. */
export function storageOf(id: PickleValue): PickledStorage | null {
  const [kind, type, key, , elements] = id instanceof PickleTuple ? id.items : [];
  if (kind !== "storage" || !(type instanceof PickleGlobal) || type.meaning.kind !== "storage") return null;
  return typeof key === "string" && isCount(elements)
    ? new PickledStorage(type.meaning.dtype, key, elements)
    : null;
}

/**
 * The tensor that `_rebuild_tensor_v2` would make of its arguments (storage, offset, size, stride; gradients and hooks are
 * passed over); null where they are impossible.
 */
export function tensorOf([storage, offset, size, stride]: readonly PickleValue[]): PickledTensor | null {
  const shape = counts(size);
  const strides = counts(stride);
  if (!(storage instanceof PickledStorage) || !isCount(offset) || shape === null || strides === null)
    return null;
  return shape.length === strides.length ? new PickledTensor(storage, offset, shape, strides) : null;
}

function counts(tuple: PickleValue | undefined): number[] | null {
  return tuple instanceof PickleTuple && tuple.items.every(isCount) ? [...tuple.items] : null;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
