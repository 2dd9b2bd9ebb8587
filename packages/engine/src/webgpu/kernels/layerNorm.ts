import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { columnSums, plainTerm } from "../columnSums.js";
import { groupSize, runShader } from "../shader.js";
import { floatKernel, need, tableOf } from "./floatKernel.js";

/** Σ over the workgroup's threads, which all must call it. */
const sumOfGroup = `
  var<workgroup> parts : array<f32, ${groupSize}>;
  fn sumOfGroup(value : f32) -> f32 {
    workgroupBarrier();
    parts[localId.x] = value;
    workgroupBarrier();
    for (var half = ${groupSize / 2}u; half > 0u; half /= 2u) {
      if (localId.x < half) { parts[localId.x] += parts[localId.x + half]; }
      workgroupBarrier();
    }
    return parts[0];
  }`;

/** A workgroup for each row; \`each\` runs for a row's columns, shared among the threads. */
const rowHeader = `
  let row = index / ${groupSize};
  let there = row < uniforms.rows;
  let start = row * uniforms.columns;`;
const eachColumn = (code: string) => `
  if (there) {
    for (var column = i32(localId.x); column < uniforms.columns; column += ${groupSize}) {
      let at = start + column;
      ${code}
    }
  }`;
const inverseOfRow = `
  var sum = 0.0;${eachColumn("sum += x[at];")}
  let mean = sumOfGroup(sum) / f32(uniforms.columns);
  var squares = 0.0;${eachColumn("let centred = x[at] - mean; squares += centred * centred;")}
  let inverse = inverseSqrt(sumOfGroup(squares) / f32(uniforms.columns) + uniforms.epsilon);`;

function perRow(
  backend: WebGPUBackend,
  shader: { key: string; inputs: Record<string, TensorInfo>; factors?: Record<string, number>; code: string },
  table: [number, number],
  output: number[],
): TensorInfo {
  const [rows, columns] = table;
  return runShader(backend, {
    ...shader,
    counts: { rows, columns },
    declarations: sumOfGroup,
    code: rowHeader + shader.code,
    output,
    grid: { count: rows * groupSize },
  });
}

/** x [N, D], weight, bias; epsilon → y, normal [N, D], inverse [N, 1]. */
const layerNorm = floatKernel("PairloomLayerNorm", (backend, inputs, { epsilon = 1e-5 }) => {
  const x = need(inputs, "x");
  const table = tableOf(x);
  const [rows, columns] = table;
  const factors = { epsilon };
  const inverse = perRow(
    backend,
    {
      key: "layerNormInverse",
      inputs: { x },
      factors,
      code: `${inverseOfRow} if (there && localId.x == 0u) { result[row] = inverse; }`,
    },
    table,
    [rows, 1],
  );
  const normal = perRow(
    backend,
    {
      key: "layerNormNormal",
      inputs: { x },
      factors,
      code: inverseOfRow + eachColumn("result[at] = (x[at] - mean) * inverse;"),
    },
    table,
    x.shape,
  );
  const y = runShader(backend, {
    key: "layerNormScale",
    inputs: { normal, weight: need(inputs, "weight"), bias: need(inputs, "bias") },
    counts: { count: rows * columns, columns },
    code: `
      if (index < uniforms.count) {
        let column = index % uniforms.columns;
        result[index] = normal[index] * weight[column] + bias[column];
      }`,
    output: x.shape,
    grid: { count: rows * columns },
  });
  return [y, normal, inverse];
});

/** dy, normal, inverse, weight → dx, dWeight, dBias. */
const layerNormGradient = floatKernel("PairloomLayerNormGradient", (backend, inputs) => {
  const [dy, normal] = [need(inputs, "dy"), need(inputs, "normal")];
  const table = tableOf(dy);
  const dx = perRow(
    backend,
    {
      key: "layerNormGradient",
      inputs: { dy, normal, inverse: need(inputs, "inverse"), weight: need(inputs, "weight") },
      code: `
        var sum = 0.0;
        var along = 0.0;${eachColumn("let d = dy[at] * weight[column]; sum += d; along += d * normal[at];")}
        let meanSum = sumOfGroup(sum) / f32(uniforms.columns);
        let meanAlong = sumOfGroup(along) / f32(uniforms.columns);
        ${eachColumn("result[at] = (dy[at] * weight[column] - meanSum - normal[at] * meanAlong) * inverse[row];")}`,
    },
    table,
    dy.shape,
  );
  const byNormal = { key: "product", inputs: { x: dy, y: normal }, term: "x[at] * y[at]" };
  return [dx, columnSums(backend, byNormal, ...table), columnSums(backend, plainTerm(dy), ...table)];
});

export const layerNormKernels: KernelConfig[] = [layerNorm, layerNormGradient];
