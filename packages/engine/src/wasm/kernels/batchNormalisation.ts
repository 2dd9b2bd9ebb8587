import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { floatsOf, makeOutput, pointerOf } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";
import { floatKernel, need, tableOf } from "./floatKernel.js";
import type { Inputs } from "./floatKernel.js";
import { sumColumns, totalsBytes } from "./reductions.js";

const defaultEpsilon = 1e-5;

/** x [N, C] → [mean [C], biased variance [C]]. */
const columnMoments = floatKernel("PairloomColumnMoments", (backend, inputs) => {
  const x = need(inputs, "x");
  const [rows, columns] = tableOf(x);
  const mean = makeOutput(backend, [columns]);
  const variance = makeOutput(backend, [columns]);
  const args = [pointerOf(backend, x), rows, columns, pointerOf(backend, mean), pointerOf(backend, variance)];
  const cost = rows * columns * 2;
  backend.pool.run("columnMoments", args, { units: Math.ceil(columns / 16), cost, scratch: totalsBytes });
  return [mean, variance];
});

/** y [N, C] = scale·(x − mean) + other·z + shift, all but x and z by column; z may be missing. */
function affine(
  backend: TrainingBackend,
  x: TensorInfo,
  z: TensorInfo | null,
  table: { scale: Float64Array; mean: Float32Array; other: Float64Array; shift: Float64Array | Float32Array },
): TensorInfo {
  const [rows, columns] = tableOf(x);
  const y = makeOutput(backend, x.shape);
  backend.pool.borrow(columns * 16, (pointer) => {
    const values = new Float32Array(backend.wasm.HEAPU8.buffer, pointer, columns * 4);
    [table.scale, table.mean, table.other, table.shift].forEach((row, i) => values.set(row, i * columns));
    const at = (i: number) => pointer + i * columns * 4;
    const second = z === null ? [0, 0] : [pointerOf(backend, z), at(2)];
    const args = [pointerOf(backend, x), at(0), at(1), ...second, at(3), columns, pointerOf(backend, y)];
    backend.pool.run("columnAffine", args, { units: rows, cost: rows * columns });
  });
  return y;
}

const byColumn = (columns: number, value: (c: number) => number) =>
  Float64Array.from({ length: columns }, (_, c) => value(c));

/** 1/√(variance + ε) by column. */
function inverseDeviation(backend: TrainingBackend, inputs: Inputs, epsilon = defaultEpsilon): Float64Array {
  const variance = floatsOf(backend, need(inputs, "variance"));
  return byColumn(variance.length, (c) => 1 / Math.sqrt(variance[c]! + epsilon));
}

/** x [N, C], weight, bias, mean, variance; epsilon → normalised by those statistics. */
const batchNorm = floatKernel("PairloomBatchNorm", (backend, inputs, attrs) => {
  const weight = floatsOf(backend, need(inputs, "weight"));
  const shift = floatsOf(backend, need(inputs, "bias"));
  const mean = floatsOf(backend, need(inputs, "mean"));
  const scale = inverseDeviation(backend, inputs, attrs["epsilon"]).map((k, c) => k * weight[c]!);
  return affine(backend, need(inputs, "x"), null, { scale, mean, other: scale, shift });
});

/** dy, x [N, C], weight, mean, variance (of x itself); epsilon → [dx, dWeight, dBias], through the statistics. */
const batchNormGradient = floatKernel("PairloomBatchNormGradient", (backend, inputs, attrs) => {
  const [dy, x] = [need(inputs, "dy"), need(inputs, "x")];
  const [rows, columns] = tableOf(x);
  const weight = floatsOf(backend, need(inputs, "weight"));
  const mean = floatsOf(backend, need(inputs, "mean"));
  const inverse = inverseDeviation(backend, inputs, attrs["epsilon"]);
  const dWeight = makeOutput(backend, [columns]);
  const dBias = makeOutput(backend, [columns]);
  sumColumns(backend, dy, { y: x, mean: need(inputs, "mean") }, rows, columns, dWeight);
  sumColumns(backend, dy, {}, rows, columns, dBias);
  const [dw, db] = [floatsOf(backend, dWeight), floatsOf(backend, dBias)];
  dw.forEach((sum, c) => (dw[c] = sum * inverse[c]!));
  // dx = k·(dy − Σdy/N − x̂·dWeight/N) with k = weight·inverse and x̂ = (x − mean)·inverse
  const other = byColumn(columns, (c) => inverse[c]! * weight[c]!);
  const scale = byColumn(columns, (c) => (-other[c]! * inverse[c]! * dw[c]!) / rows);
  const shift = byColumn(columns, (c) => (-other[c]! * db[c]!) / rows);
  return [affine(backend, x, dy, { scale, mean, other, shift }), dWeight, dBias];
});

/** Batch normalisation by column in one pass each. */
export const batchNormalisation: KernelConfig[] = [columnMoments, batchNorm, batchNormGradient];
