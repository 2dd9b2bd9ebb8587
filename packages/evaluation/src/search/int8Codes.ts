/** Rows in 8 bits: row ≈ scale · codes, off by a vector no longer than `residual`. */
export interface CodedRows {
  /** [N, E], −127 to 127. */
  codes: Int8Array;
  /** [N]. */
  scales: Float32Array;
  /** [N]. */
  residuals: Float32Array;
}

/** Lengths of normalised rows once they are rounded to half precision stay below this. */
export const longestRow = 1.002;

/** @param rows [N, E] */
export function codeRows(rows: Float32Array, width: number): CodedRows {
  const count = rows.length / width;
  const coded = {
    codes: new Int8Array(rows.length),
    scales: new Float32Array(count),
    residuals: new Float32Array(count),
  };
  for (let row = 0; row < count; row++) {
    const values = rows.subarray(row * width, (row + 1) * width);
    const codes = coded.codes.subarray(row * width, (row + 1) * width);
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    const scale = (coded.scales[row] = most / 127);
    const stored = coded.scales[row]!;
    let square = 0;
    for (let i = 0; i < width; i++) {
      // a scale rounded down could ask for 128
      const code = stored === 0 ? 0 : Math.max(-127, Math.min(127, Math.round(values[i]! / stored)));
      codes[i] = code;
      square += (values[i]! - stored * code) ** 2;
    }
    // rounded up: it is a bound
    coded.residuals[row] = Math.sqrt(square) * (1 + 1e-6) + Number(scale > 0) * 1e-12;
  }
  return coded;
}

/** A query in whole numbers, small enough that its product with a row's codes fits 32 bits. */
export interface CodedQuery {
  /** [E]. */
  codes: Int32Array;
  /** query ≈ step · codes, … */
  step: number;
  /** … off by a vector of this length. */
  residual: number;
  /** The query's own length. */
  length: number;
}

export function codeQuery(query: Float32Array): CodedQuery {
  const most = query.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const largest = Math.min(2047, Math.floor((2 ** 31 - 1) / (127 * query.length)));
  const step = most === 0 ? 1 : most / largest;
  const codes = Int32Array.from(query, (value) => Math.round(value / step));
  const residual = Math.hypot(...query.map((value, i) => value - step * codes[i]!));
  return { codes, step, residual, length: Math.hypot(...query) };
}
