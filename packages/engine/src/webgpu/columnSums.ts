import type { TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { runShader } from "./shader.js";

/** What is summed along the rows of tables [rows, columns]. */
export interface ColumnTerm {
  key: string;
  inputs: Record<string, TensorInfo>;
  /** WGSL of one row's part, in terms of the inputs, `at` (the place in a table) and `column`. */
  term: string;
}

const wide = 32;
const high = 8;
const leastRows = 256;
const mostChunks = 1024;

/**
 * Sums of columns, times `scale`: [columns]. Rows are summed in chunks, then the chunks' sums in the same way, in one order
 * always: the same bits each time, and less rounding than one long sum.
 */
export function columnSums(
  backend: WebGPUBackend,
  sum: ColumnTerm,
  rows: number,
  columns: number,
  scale = 1,
): TensorInfo {
  const rowsEach = Math.max(leastRows, Math.ceil(rows / mostChunks));
  const chunks = Math.max(1, Math.ceil(rows / rowsEach));
  const sums = runShader(backend, {
    key: `columns_${sum.key}`,
    inputs: sum.inputs,
    counts: { rows, columns, rowsEach },
    factors: { scale: chunks === 1 ? scale : 1 },
    declarations: `var<workgroup> parts : array<array<f32, ${wide}>, ${high}>;`,
    code: `
      let column = i32(workgroupId.x) * ${wide} + i32(localId.x);
      let first = i32(workgroupId.y) * uniforms.rowsEach;
      let end = min(first + uniforms.rowsEach, uniforms.rows);
      var sum = 0.0;
      if (column < uniforms.columns) {
        for (var row = first + i32(localId.y); row < end; row += ${high}) {
          let at = row * uniforms.columns + column;
          sum += ${sum.term};
        }
      }
      parts[localId.y][localId.x] = sum;
      workgroupBarrier();
      if (localId.y == 0u && column < uniforms.columns) {
        var total = 0.0;
        for (var part = 0; part < ${high}; part++) { total += parts[part][localId.x]; }
        result[i32(workgroupId.y) * uniforms.columns + column] = total * uniforms.scale;
      }`,
    output: chunks === 1 ? [columns] : [chunks, columns],
    grid: { groups: [Math.ceil(columns / wide), chunks, 1], threads: [wide, high, 1] },
  });
  if (chunks === 1) return sums;
  const total = columnSums(backend, plainTerm(sums), chunks, columns, scale);
  backend.disposeData(sums.dataId);
  return total;
}

/** The numbers of a table as they are. */
export function plainTerm(x: TensorInfo): ColumnTerm {
  return { key: "plain", inputs: { x }, term: "x[at]" };
}
