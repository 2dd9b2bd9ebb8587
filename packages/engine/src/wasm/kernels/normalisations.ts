import type { KernelConfig } from "@tensorflow/tfjs";
import { makeOutput, pointerOf } from "../heap.js";
import { floatKernel, need, tableOf } from "./floatKernel.js";
import { sumColumns } from "./reductions.js";

/** Softmax over the last axis. */
const softmax = floatKernel("Softmax", (backend, inputs) => {
  const x = need(inputs, "logits");
  const [rows, columns] = tableOf(x);
  const out = makeOutput(backend, x.shape);
  const args = [pointerOf(backend, x), columns, 1, 0, 0, pointerOf(backend, out)];
  backend.pool.run("softmax", args, { units: rows, cost: rows * columns * 10 });
  return out;
});

/** x, weight, bias; epsilon → [y, x̂, 1/√(variance + ε) by row]. */
const layerNorm = floatKernel("PairloomLayerNorm", (backend, inputs, attrs) => {
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
const layerNormGradient = floatKernel("PairloomLayerNormGradient", (backend, inputs) => {
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
  sumColumns(backend, dy, { y: normal }, rows, columns, dWeight);
  sumColumns(backend, dy, {}, rows, columns, dBias);
  return [dx, dWeight, dBias];
});

/** Normalisations by row. `Pairloom…` kernels are ours by name. */
export const normalisations: KernelConfig[] = [softmax, layerNorm, layerNormGradient];
