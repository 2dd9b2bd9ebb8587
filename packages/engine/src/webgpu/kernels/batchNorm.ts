import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { columnSums, plainTerm } from "../columnSums.js";
import { mapElements } from "../elementwise.js";
import { runShader } from "../shader.js";
import { floatKernel, need, tableOf } from "./floatKernel.js";

/** x [N, C] → mean, biased variance. */
const columnMoments = floatKernel("PairloomColumnMoments", (backend, inputs) => {
  const x = need(inputs, "x");
  const [rows, columns] = tableOf(x);
  const mean = columnSums(backend, plainTerm(x), rows, columns, 1 / rows);
  const squares = {
    key: "squaredDeviation",
    inputs: { x, mean },
    term: "(x[at] - mean[column]) * (x[at] - mean[column])",
  };
  return [mean, columnSums(backend, squares, rows, columns, 1 / rows)];
});

/** x, weight, bias, mean, variance; epsilon → y. */
const batchNorm = floatKernel("PairloomBatchNorm", (backend, inputs, { epsilon = 1e-5 }) => {
  const x = need(inputs, "x");
  const [rows, columns] = tableOf(x);
  const names = ["weight", "bias", "mean", "variance"];
  return runShader(backend, {
    key: "batchNorm",
    inputs: { x, ...Object.fromEntries(names.map((name) => [name, need(inputs, name)])) },
    counts: { count: rows * columns, columns },
    factors: { epsilon },
    code: `
      if (index < uniforms.count) {
        let c = index % uniforms.columns;
        let scale = weight[c] * inverseSqrt(variance[c] + uniforms.epsilon);
        result[index] = (x[index] - mean[c]) * scale + bias[c];
      }`,
    output: x.shape,
    grid: { count: rows * columns },
  });
});

/** dy, x, weight, mean, variance; epsilon → dx, dWeight, dBias. */
const batchNormGradient = floatKernel("PairloomBatchNormGradient", (backend, inputs, { epsilon = 1e-5 }) => {
  const [dy, x, weight, mean, variance] = ["dy", "x", "weight", "mean", "variance"].map((name) =>
    need(inputs, name),
  ) as [TensorInfo, TensorInfo, TensorInfo, TensorInfo, TensorInfo];
  const [rows, columns] = tableOf(dy);
  const dBias = columnSums(backend, plainTerm(dy), rows, columns);
  const centred = { key: "centredProduct", inputs: { dy, x, mean }, term: "dy[at] * (x[at] - mean[column])" };
  const sums = columnSums(backend, centred, rows, columns);
  const factors = { epsilon };
  const dWeight = mapElements(backend, {
    key: "batchNormWeight",
    inputs: { sum: sums, variance },
    factors,
    expression: "sum * inverseSqrt(variance + uniforms.epsilon)",
  });
  backend.disposeData(sums.dataId);
  const dx = runShader(backend, {
    key: "batchNormGradient",
    inputs: { dy, x, weight, mean, variance, dWeight, dBias },
    counts: { count: rows * columns, columns },
    factors: { ...factors, perRow: 1 / rows },
    code: `
      if (index < uniforms.count) {
        let c = index % uniforms.columns;
        let inverse = inverseSqrt(variance[c] + uniforms.epsilon);
        let normal = (x[index] - mean[c]) * inverse;
        let along = (normal * dWeight[c] + dBias[c]) * uniforms.perRow;
        result[index] = (dy[index] - along) * inverse * weight[c];
      }`,
    output: dy.shape,
    grid: { count: rows * columns },
  });
  return [dx, dWeight, dBias];
});

export const batchNormKernels: KernelConfig[] = [columnMoments, batchNorm, batchNormGradient];
