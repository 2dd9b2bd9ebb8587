import { UserError } from "@pairloom/config/errors";

/** Normalised embeddings, row after row. */
export interface FeatureTable {
  /** N. */
  rows: number;
  /** E. */
  width: number;
  /** [N, E]. */
  data: Float32Array;
}

/** One row, as a view. */
export function featureRow(table: FeatureTable, row: number): Float32Array {
  return table.data.subarray(row * table.width, (row + 1) * table.width);
}

/** Scales each row to length 1, in place. Rows of zeros stay. */
export function normalizeRows(table: FeatureTable): FeatureTable {
  for (let row = 0; row < table.rows; row++) {
    const values = featureRow(table, row);
    let square = 0;
    for (const value of values) square += value * value;
    if (square === 0) continue;
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < values.length; i++) values[i]! *= scale;
  }
  return table;
}

/** @returns the table. @throws UserError "features_not_finite" where a number is none, as of weights that diverged */
export function checkFinite(table: FeatureTable): FeatureTable {
  const at = table.data.findIndex((value) => !Number.isFinite(value));
  if (at === -1) return table;
  throw new UserError(
    "features_not_finite",
    `The model gives ${table.data[at]} for input ${Math.floor(at / table.width)} of a batch`,
    { hint: "Are these weights of a training that diverged? `pairloom checkpoints verify` looks at them." },
  );
}

/** Inner products of one row with every row of a table: [N], cosines where both are normalised. */
export function similarities(
  query: Float32Array,
  table: FeatureTable,
  into = new Float32Array(table.rows),
): Float32Array {
  const { rows, width, data } = table;
  for (let row = 0, at = 0; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < width; i++, at++) sum += query[i]! * data[at]!;
    into[row] = sum;
  }
  return into;
}
