import { halfProduct } from "./float16Scanner.js";
import { codeQuery, longestRow } from "./int8Codes.js";
import { Nearest, type Scored } from "./nearest.js";
import { readRange, type RowScanner, type RowSlice } from "./rowSlice.js";

/** Rows of half precision read from disk at once. */
const stretchRows = 64;

/**
 * Looks through rows that are held in memory in 8 bits, and reads in half precision those that may be among the best.
 * A row's score lies within residual·|q| + |row|·|δ| of what the codes give (Cauchy–Schwarz; δ is what the query lost),
 * so no row that belongs to the answer is missed.
 */
export class Int8Scanner implements RowScanner {
  private readonly held: {
    slice: RowSlice;
    codes: Int8Array;
    scales: Float32Array;
    residuals: Float32Array;
    scores: Float64Array;
  }[];

  constructor(
    slices: readonly RowSlice[],
    private readonly width: number,
    private readonly values: Float32Array,
  ) {
    this.held = slices.map((slice) => {
      const { codes, scales, residuals } = slice.coded!;
      return {
        slice,
        codes: new Int8Array(readRange(codes, slice.rows * width)),
        scales: new Float32Array(readRange(scales, slice.rows * 4)),
        residuals: new Float32Array(readRange(residuals, slice.rows * 4)),
        scores: new Float64Array(slice.rows),
      };
    });
  }

  lowerBounds(query: Float32Array, count: number): number[] {
    const coded = codeQuery(query);
    const nearest = new Nearest(count);
    for (const { slice, codes, scales, residuals, scores } of this.held) {
      codeProducts(coded.codes, codes, scores);
      for (let row = 0; row < scores.length; row++) {
        scores[row]! *= coded.step * scales[row]!;
        const least = scores[row]! - margin(residuals[row]!, coded);
        if (least > nearest.floor) nearest.offer(slice.first + row, least);
      }
    }
    return nearest.best().map(({ score }) => score);
  }

  /** Must follow `lowerBounds` with the same query. */
  best(query: Float32Array, count: number, floor: number): Scored[] {
    const coded = codeQuery(query);
    const nearest = new Nearest(count);
    for (const { slice, residuals, scores } of this.held) {
      const rows: number[] = [];
      for (let row = 0; row < scores.length; row++)
        if (scores[row]! + margin(residuals[row]!, coded) >= floor) rows.push(row);
      for (let i = 0; i < rows.length;) {
        const from = rows[i]!;
        let end = i;
        while (end < rows.length && rows[end]! - from < stretchRows) end++;
        const to = rows[end - 1]! + 1;
        const { path, start } = slice.features;
        const bytes = readRange({ path, start: start + from * this.width * 2 }, (to - from) * this.width * 2);
        const halves = new Uint16Array(bytes);
        for (; i < end; i++) {
          const score = halfProduct(query, halves, (rows[i]! - from) * this.width, this.values);
          nearest.offer(slice.first + rows[i]!, score);
        }
      }
    }
    return nearest.best();
  }
}

/** How far a score may be from what the codes give; the last term covers sums' own rounding. */
const margin = (residual: number, query: { length: number; residual: number }): number =>
  residual * query.length + (longestRow + residual) * query.residual + 1e-9;

/** Products of the query with each row, exact. Four rows at a time: each number of the query is read once for them. */
function codeProducts(query: Int32Array, codes: Int8Array, into: Float64Array): void {
  const width = query.length;
  const rows = into.length;
  let row = 0;
  for (; row + 4 <= rows; row += 4) {
    const first = row * width;
    const second = first + width;
    const third = second + width;
    const fourth = third + width;
    let a = 0;
    let b = 0;
    let c = 0;
    let d = 0;
    for (let i = 0; i < width; i++) {
      const number = query[i]!;
      a = (a + Math.imul(number, codes[first + i]!)) | 0;
      b = (b + Math.imul(number, codes[second + i]!)) | 0;
      c = (c + Math.imul(number, codes[third + i]!)) | 0;
      d = (d + Math.imul(number, codes[fourth + i]!)) | 0;
    }
    into[row] = a;
    into[row + 1] = b;
    into[row + 2] = c;
    into[row + 3] = d;
  }
  for (; row < rows; row++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum = (sum + Math.imul(query[i]!, codes[row * width + i]!)) | 0;
    into[row] = sum;
  }
}
