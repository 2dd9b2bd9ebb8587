import type { PickledTensor } from "./pickleValue.js";

type View = Pick<PickledTensor, "offset" | "shape" | "strides">;

/** The highest element of its storage that a view touches; −1 for a view of nothing. */
export function lastElement({ offset, shape, strides }: View): number {
  if (shape.includes(0)) return -1;
  return shape.reduce((last, side, axis) => last + (side - 1) * strides[axis]!, offset);
}

/**
 * The elements of a view in row-major order, in memory of their own.
 *
 * @param storage of `elementBytes` an element (1, 2, 4 or 8), aligned to it
 */
export function gatherElements(
  storage: Uint8Array<ArrayBuffer>,
  elementBytes: number,
  view: View,
): ArrayBuffer {
  const { offset, shape } = view;
  const elements = shape.reduce((product, side) => product * side, 1);
  const result = new Uint8Array(elements * elementBytes);
  if (elements === 0) return result.buffer;
  if (isContiguous(view)) {
    const start = offset * elementBytes;
    result.set(storage.subarray(start, start + result.length));
    return result.buffer;
  }
  const Words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[
    elementBytes as 1 | 2 | 4 | 8
  ];
  const from = new Words(storage.buffer, storage.byteOffset, storage.length / elementBytes);
  const to = new Words(result.buffer);
  for (const [at, element] of positions(view)) to[at] = from[element]!;
  return result.buffer;
}

function isContiguous({ shape, strides }: View): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis]!;
  }
  return true;
}

/** Place in row-major order and element of the storage, for each element of a view that is not empty. */
function* positions({ offset, shape, strides }: View): Generator<[at: number, element: number]> {
  const index = shape.map(() => 0);
  let element = offset;
  for (let at = 0; ; at++) {
    yield [at, element];
    let axis = shape.length - 1;
    for (; axis >= 0; axis--) {
      element += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      element -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
