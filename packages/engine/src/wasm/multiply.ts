import { pointerOf } from "./heap.js";
import type { TrainingBackend } from "./trainingBackend.js";

/** Row panels of 4 in a packed block of A; the kernels' own unit. */
const rowPanel = 4;
const columnPanel = 8;

/** One operand: its address, the distance between its rows in floats, whether it is to be read turned. */
export interface Operand {
  pointer: number;
  stride: number;
  turned: boolean;
}

export function operand(
  backend: TrainingBackend,
  tensor: { dataId: object; shape: number[]; dtype: "float32" | "int32" | "bool" | "complex64" | "string" },
  turned: boolean,
): Operand {
  return { pointer: pointerOf(backend, tensor), stride: tensor.shape[tensor.shape.length - 1] ?? 1, turned };
}

/** Bytes of B [K, N] packed into panels of 8 columns. */
export function packedBytes(k: number, n: number): number {
  return Math.ceil(n / columnPanel) * columnPanel * k * 4;
}

/** Bytes of scratch that a thread of a product needs. */
export function productScratch(backend: TrainingBackend, channels = 0): number {
  return backend.pool.ask("gemmScratchBytes", channels);
}

/** Packs B on all threads; `use` gets the address of the panels, which are freed afterwards. */
export function withPacked(
  backend: TrainingBackend,
  b: Operand,
  k: number,
  n: number,
  use: (packed: number) => void,
): void {
  backend.pool.borrow(packedBytes(k, n), (packed) => {
    backend.pool.run("packB", [b.pointer, b.stride, Number(b.turned), k, n, packed], {
      units: Math.ceil(n / columnPanel),
      cost: k * n,
    });
    use(packed);
  });
}

/** C [M, N] = A · B, or C += A · B. C is at `c`. */
export function multiply(
  backend: TrainingBackend,
  a: Operand,
  b: Operand,
  c: number,
  size: { m: number; n: number; k: number },
  add = false,
): void {
  const { m, n, k } = size;
  withPacked(backend, b, k, n, (packed) => {
    const args = [a.pointer, a.stride, Number(a.turned), packed, c, m, n, k, Number(add)];
    backend.pool.run("gemmRows", args, rowCall(backend, m, m * n * k));
  });
}

/** How a product's row panels are shared out. */
export function rowCall(backend: TrainingBackend, rows: number, cost: number, channels = 0) {
  return { units: Math.ceil(rows / rowPanel), cost, scratch: productScratch(backend, channels) };
}

/** `count` products at once, one after another in A, B and C; a step of 0 repeats an operand. */
export function multiplyBatch(
  backend: TrainingBackend,
  a: Operand & { step: number },
  b: Operand & { step: number },
  c: number,
  size: { count: number; m: number; n: number; k: number },
): void {
  const { count, m, n, k } = size;
  const args = [
    ...[a.pointer, a.stride, Number(a.turned), a.step],
    ...[b.pointer, b.stride, Number(b.turned), b.step],
    ...[c, m, n, k],
  ];
  backend.pool.run("gemmBatch", args, {
    units: count,
    cost: count * m * n * k,
    scratch: productScratch(backend) + packedBytes(k, n),
  });
}
