import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { floatsOf, makeOutput, pointerOf, sizeOf } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";

/** Bytes that assembly/fused.as keeps its float64 totals in. */
export const totalsBytes = 128;

/**
 * Sum and Mean over the first or the last axes of a float32 tensor; other axes go the stock way, which turns the tensor
 * round first and adds up in float32, number by number.
 */
export function reduction(stock: KernelConfig, mean: boolean): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const backend = call.backend as TrainingBackend;
      const x = call.inputs["x"] as TensorInfo;
      const { axis, keepDims } = call.attrs as unknown as { axis: number | number[]; keepDims: boolean };
      const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
      const rank = x.shape.length;
      const last = axes.every((a, i) => a === rank - axes.length + i);
      const first = axes.every((a, i) => a === i);
      if (x.dtype !== "float32" || sizeOf(x.shape) === 0 || (!first && !last)) return stock.kernelFunc(call);
      const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
      const out = makeOutput(backend, keepDims ? kept : x.shape.filter((_, i) => !axes.includes(i)));
      const count = sizeOf(axes.map((a) => x.shape[a] ?? 1));
      const others = sizeOf(out.shape);
      if (last) sumRows(backend, x, others, count, out, mean ? 1 / count : 1);
      else sumColumns(backend, x, {}, count, others, out);
      if (!last && mean) floatsOf(backend, out).forEach((v, i, all) => (all[i] = v / count));
      return out;
    },
  };
}

function sumRows(
  backend: TrainingBackend,
  x: TensorInfo,
  rows: number,
  columns: number,
  out: TensorInfo,
  factor: number,
): void {
  const args = [pointerOf(backend, x), columns, pointerOf(backend, out), factor];
  backend.pool.run("rowSum", args, { units: rows, cost: rows * columns });
}

/** out [columns] = Σ over rows of x, or of x·y, or of x·(y − mean). */
export function sumColumns(
  backend: TrainingBackend,
  x: TensorInfo,
  other: { y?: TensorInfo; mean?: TensorInfo },
  rows: number,
  columns: number,
  out: TensorInfo,
): void {
  const pointers = [x, other.y, other.mean].map((t) => (t === undefined ? 0 : pointerOf(backend, t)));
  backend.pool.run("columnSum", [...pointers, rows, columns, pointerOf(backend, out)], {
    ...{ units: Math.ceil(columns / 16), cost: rows * columns, scratch: totalsBytes },
  });
}
