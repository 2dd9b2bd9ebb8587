import { Nearest, type Scored } from "./nearest.js";
import { readRange, type RowScanner, type RowSlice } from "./rowSlice.js";

/**
 * Looks through rows that are held in memory in half precision.
 *
 * @param values of all 65,536 half-precision numbers
 */
export class Float16Scanner implements RowScanner {
  private readonly held: { first: number; rows: number; halves: Uint16Array }[];

  constructor(
    slices: readonly RowSlice[],
    private readonly width: number,
    private readonly values: Float32Array,
  ) {
    this.held = slices.map(({ first, rows, features }) => ({
      first,
      rows,
      halves: new Uint16Array(readRange(features, rows * width * 2)),
    }));
  }

  lowerBounds(): number[] {
    return [];
  }

  best(query: Float32Array, count: number): Scored[] {
    const nearest = new Nearest(count);
    for (const { first, rows, halves } of this.held) {
      for (let row = 0; row < rows; row++) {
        const score = halfProduct(query, halves, row * this.width, this.values);
        if (score > nearest.floor) nearest.offer(first + row, score);
      }
    }
    return nearest.best();
  }
}

/** Inner product of a query with the E half-precision numbers from `at` on, summed in double precision. */
export function halfProduct(
  query: Float32Array,
  halves: Uint16Array,
  at: number,
  values: Float32Array,
): number {
  const width = query.length;
  const whole = width & ~3;
  // four sums: one would wait for itself
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i < whole; i += 4) {
    a += query[i]! * values[halves[at + i]!]!;
    b += query[i + 1]! * values[halves[at + i + 1]!]!;
    c += query[i + 2]! * values[halves[at + i + 2]!]!;
    d += query[i + 3]! * values[halves[at + i + 3]!]!;
  }
  for (; i < width; i++) a += query[i]! * values[halves[at + i]!]!;
  return a + b + (c + d);
}
