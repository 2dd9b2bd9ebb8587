import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { floatsOf, makeOutput, pointerOf, sizeOf } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";
import { sumColumns, totalsBytes } from "./reductions.js";

type Inputs = Record<string, TensorInfo>;

function kernel(
  kernelName: string,
  run: (backend: TrainingBackend, inputs: Inputs, attrs: Record<string, number>) => TensorInfo | TensorInfo[],
): KernelConfig {
  return {
    kernelName,
    backendName: "wasm",
    kernelFunc: (call) =>
      run(call.backend as TrainingBackend, call.inputs as Inputs, call.attrs as Record<string, number>),
  };
}

function need(inputs: Inputs, name: string): TensorInfo {
  const tensor = inputs[name];
  if (tensor?.dtype !== "float32") throw new Error(`Expected \`${name}\` to be a float32 tensor`);
  return tensor;
}

/** Rows and columns when everything but the last axis is one. */
function tableOf(x: TensorInfo): [number, number] {
  const columns = x.shape[x.shape.length - 1] ?? 1;
  return [sizeOf(x.shape) / Math.max(1, columns), columns];
}

/** Softmax over the last axis. */
const softmax = kernel("Softmax", (backend, inputs) => {
  const x = need(inputs, "logits");
  const [rows, columns] = tableOf(x);
  const out = makeOutput(backend, x.shape);
  const args = [pointerOf(backend, x), columns, 1, 0, 0, pointerOf(backend, out)];
  backend.pool.run("softmax", args, { units: rows, cost: rows * columns * 10 });
  return out;
});

/** x, weight, bias; epsilon → [y, x̂, 1/√(variance + ε) by row]. */
const layerNorm = kernel("PairloomLayerNorm", (backend, inputs, attrs) => {
  const x = need(inputs, "x");
  const [rows, columns] = tableOf(x);
  const y = makeOutput(backend, x.shape);
  const normal = makeOutput(backend, x.shape);
  const inverse = makeOutput(backend, [rows, 1]);
  const [px, pw, pb] = [x, need(inputs, "weight"), need(inputs, "bias")].map((t) => pointerOf(backend, t));
  const to = [y, normal, inverse].map((t) => pointerOf(backend, t));
  const args = [px ?? 0, pw ?? 0, pb ?? 0, columns, attrs["epsilon"] ?? 1e-5, ...to];
  backend.pool.run("layerNorm", args, { units: rows, cost: rows * columns * 3 });
  return [y, normal, inverse];
});

/** dy, normal, inverse, weight (as layerNorm kept them) → [dx, dWeight, dBias]. */
const layerNormGradient = kernel("PairloomLayerNormGradient", (backend, inputs) => {
  const [dy, normal] = [need(inputs, "dy"), need(inputs, "normal")];
  const [rows, columns] = tableOf(dy);
  const dx = makeOutput(backend, dy.shape);
  const from = [dy, normal, need(inputs, "inverse"), need(inputs, "weight")].map((t) =>
    pointerOf(backend, t),
  );
  const args = [...from, columns, pointerOf(backend, dx)];
  backend.pool.run("layerNormGradient", args, { units: rows, cost: rows * columns * 3 });
  const dWeight = makeOutput(backend, [columns]);
  const dBias = makeOutput(backend, [columns]);
  sumColumns(backend, dy, normal, rows, columns, dWeight);
  sumColumns(backend, dy, null, rows, columns, dBias);
  return [dx, dWeight, dBias];
});

/** x [N, C] → [mean [C], biased variance [C]]. */
const columnMoments = kernel("PairloomColumnMoments", (backend, inputs) => {
  const x = need(inputs, "x");
  const [rows, columns] = tableOf(x);
  const mean = makeOutput(backend, [columns]);
  const variance = makeOutput(backend, [columns]);
  const args = [pointerOf(backend, x), rows, columns, pointerOf(backend, mean), pointerOf(backend, variance)];
  const cost = rows * columns * 2;
  backend.pool.run("columnMoments", args, { units: Math.ceil(columns / 16), cost, scratch: totalsBytes });
  return [mean, variance];
});

/** y [N, C] = a·x + b·z + c with a, b, c [C] given as values; z may be missing. */
function affine(
  backend: TrainingBackend,
  x: TensorInfo,
  z: TensorInfo | null,
  [a, b, c]: [Float64Array, Float64Array, Float64Array],
): TensorInfo {
  const [rows, columns] = tableOf(x);
  const y = makeOutput(backend, x.shape);
  backend.pool.borrow(columns * 12, (pointer) => {
    const table = new Float32Array(backend.wasm.HEAPU8.buffer, pointer, columns * 3);
    [a, b, c].forEach((values, i) => table.set(values, i * columns));
    const second = z === null ? [0, 0] : [pointerOf(backend, z), pointer + columns * 4];
    const args = [
      pointerOf(backend, x),
      pointer,
      ...second,
      pointer + columns * 8,
      columns,
      pointerOf(backend, y),
    ];
    backend.pool.run("columnAffine", args, { units: rows, cost: rows * columns });
  });
  return y;
}

const columnValues = (columns: number, value: (c: number) => number) =>
  Float64Array.from({ length: columns }, (_, c) => value(c));

/** x [N, C], weight, bias, mean, variance; epsilon → normalised by those statistics. */
const batchNorm = kernel("PairloomBatchNorm", (backend, inputs, attrs) => {
  const x = need(inputs, "x");
  const [weight, bias, mean, variance] = ["weight", "bias", "mean", "variance"].map((name) =>
    floatsOf(backend, need(inputs, name)),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const columns = weight.length;
  const scale = columnValues(
    columns,
    (c) => (weight[c] ?? 0) / Math.sqrt((variance[c] ?? 0) + (attrs["epsilon"] ?? 1e-5)),
  );
  const shift = columnValues(columns, (c) => (bias[c] ?? 0) - (mean[c] ?? 0) * (scale[c] ?? 0));
  return affine(backend, x, null, [scale, scale, shift]);
});

/** dy, x [N, C], weight, mean, variance (of x itself); epsilon → [dx, dWeight, dBias], through the statistics. */
const batchNormGradient = kernel("PairloomBatchNormGradient", (backend, inputs, attrs) => {
  const [dy, x] = [need(inputs, "dy"), need(inputs, "x")];
  const [rows, columns] = tableOf(x);
  const [weight, mean, variance] = ["weight", "mean", "variance"].map((name) =>
    floatsOf(backend, need(inputs, name)),
  ) as [Float32Array, Float32Array, Float32Array];
  const dWeight = makeOutput(backend, [columns]);
  const dBias = makeOutput(backend, [columns]);
  sumColumns(backend, dy, x, rows, columns, dWeight);
  sumColumns(backend, dy, null, rows, columns, dBias);
  const [dw, db] = [floatsOf(backend, dWeight), floatsOf(backend, dBias)];
  const inverse = columnValues(
    columns,
    (c) => 1 / Math.sqrt((variance[c] ?? 0) + (attrs["epsilon"] ?? 1e-5)),
  );
  // Σ dy·x̂ from Σ dy·x
  for (let c = 0; c < columns; c++)
    dw[c] = ((dw[c] ?? 0) - (db[c] ?? 0) * (mean[c] ?? 0)) * (inverse[c] ?? 0);
  // dx = k·(dy − Σdy/N − x̂·Σdy·x̂/N), written as a·dy + b·x + c
  const a = columnValues(columns, (c) => (inverse[c] ?? 0) * (weight[c] ?? 0));
  const b = columnValues(columns, (c) => (-(a[c] ?? 0) * (inverse[c] ?? 0) * (dw[c] ?? 0)) / rows);
  const shift = columnValues(
    columns,
    (c) => (-(a[c] ?? 0) * (db[c] ?? 0)) / rows - (b[c] ?? 0) * (mean[c] ?? 0),
  );
  return [affine(backend, dy, x, [a, b, shift]), dWeight, dBias];
});

/** Normalisations by row and by column. `Pairloom…` kernels are ours by name. */
export const normalisations: KernelConfig[] = [
  softmax,
  layerNorm,
  layerNormGradient,
  columnMoments,
  batchNorm,
  batchNormGradient,
];
