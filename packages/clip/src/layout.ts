import type { StateEntry, TensorLayout } from "./stateShapes.js";

/** The shape that TF.js holds of a tensor that PyTorch holds as `entry.shape`. */
export function engineShape(entry: Pick<StateEntry, "shape" | "layout">): number[] {
  const shape = [...entry.shape];
  if (entry.layout === "linear") return shape.reverse();
  if (entry.layout === "convolution") {
    const [outputs, inputs, high, wide] = shape as [number, number, number, number];
    return [high, wide, inputs, outputs];
  }
  return shape;
}

/** Values of a tensor from PyTorch's layout to the engine's; exact. Plain tensors come back as they are, not copied. */
export function toEngineLayout(
  data: Float32Array,
  shape: readonly number[],
  layout: TensorLayout,
): Float32Array {
  const [rows, columns] = asMatrix(shape, layout);
  if (layout === "linear") return transpose(data, rows, columns);
  if (layout === "convolution") {
    // OIHW → (HW)(I)(O): the matrix [O, I·H·W] turned is [I·H·W, O]; I and H·W are then swapped
    const turned = transpose(data, rows, columns);
    return swapOuter(turned, shape[1]!, shape[2]! * shape[3]!, rows);
  }
  return data;
}

/** The inverse of `toEngineLayout`; `shape` is PyTorch's. */
export function toPyTorchLayout(
  data: Float32Array,
  shape: readonly number[],
  layout: TensorLayout,
): Float32Array {
  const [rows, columns] = asMatrix(shape, layout);
  if (layout === "linear") return transpose(data, columns, rows);
  if (layout === "convolution") {
    return transpose(swapOuter(data, shape[2]! * shape[3]!, shape[1]!, rows), columns, rows);
  }
  return data;
}

function asMatrix(shape: readonly number[], layout: TensorLayout): [rows: number, columns: number] {
  if (layout === "plain") return [0, 0];
  return [shape[0]!, shape.slice(1).reduce((product, side) => product * side, 1)];
}

/** [rows, columns] → [columns, rows], by tiles that stay in the cache. */
function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(data.length);
  const tile = 32;
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows);
    for (let left = 0; left < columns; left += tile) {
      const right = Math.min(left + tile, columns);
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          turned[column * rows + row] = data[row * columns + column]!;
        }
      }
    }
  }
  return turned;
}

/** [a, b, inner] → [b, a, inner]. */
function swapOuter(data: Float32Array, a: number, b: number, inner: number): Float32Array {
  const swapped = new Float32Array(data.length);
  for (let i = 0; i < a; i++) {
    for (let j = 0; j < b; j++) {
      const from = (i * b + j) * inner;
      swapped.set(data.subarray(from, from + inner), (j * a + i) * inner);
    }
  }
  return swapped;
}
