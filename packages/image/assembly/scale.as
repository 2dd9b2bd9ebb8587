// Scales RGB pixels, one byte a channel, by weighted means of rows and then of columns.
//
// A table of weights holds for each output row (or column) the place of the first pixel that it takes, and then pairs of
// weights, 16 bits each, in units of 2⁻¹⁴: the first weight of a pair in the lower half. All have the same number of pairs.
// A line between the two passes keeps six bits below the point, so that it is only the result that is rounded.

/** Means of rows from `top` on, 16 bytes at a time, to 16-bit numbers in `line`. */
// @ts-ignore: decorator
@inline
function meanOfRows(top: usize, stride: usize, bytes: usize, weights: usize, pairs: usize, line: usize): void {
  const end = top + bytes;
  const weightsEnd = weights + (pairs << 2);
  const half = i32x4.splat(1 << 7);
  for (; top < end; top += 16, line += 32) {
    let sum0 = half;
    let sum1 = half;
    let sum2 = half;
    let sum3 = half;
    let from = top;
    for (let at = weights; at < weightsEnd; at += 4) {
      const weight = v128.load_splat<i32>(at);
      const upper = v128.load(from);
      const lower = v128.load(from + stride);
      const low = v128.shuffle<i8>(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const high = v128.shuffle<i8>(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      sum0 = i32x4.add(sum0, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(low), weight));
      sum1 = i32x4.add(sum1, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(low), weight));
      sum2 = i32x4.add(sum2, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(high), weight));
      sum3 = i32x4.add(sum3, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(high), weight));
      from += stride << 1;
    }
    v128.store(line, i16x8.narrow_i32x4_s(i32x4.shr_s(sum0, 8), i32x4.shr_s(sum1, 8)));
    v128.store(line, i16x8.narrow_i32x4_s(i32x4.shr_s(sum2, 8), i32x4.shr_s(sum3, 8)), 16);
  }
}

/** Three neighbouring 16-bit channels of two pixels, channel by channel; the last two pairs are the same. */
// @ts-ignore: decorator
@inline
function channelsOfTwo(line: usize): v128 {
  const pixels = v128.load(line);
  return v128.shuffle<i8>(pixels, pixels, 0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, 4, 5, 10, 11);
}

/** Means of a line's columns, as bytes; one byte after the last pixel is written as well. */
// @ts-ignore: decorator
@inline
function meanOfColumns(line: usize, columns: usize, table: usize, pairs: usize, out: usize): void {
  const half = i32x4.splat(1 << 19);
  const bytes = pairs << 2;
  for (const end = out + columns * 3; out < end; out += 3) {
    let from = line + load<i32>(table) * 6;
    table += 4;
    let sum = half;
    for (const next = table + bytes; table < next; table += 4, from += 12)
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(channelsOfTwo(from), v128.load_splat<i32>(table)));
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, 20), sum);
    v128.store_lane<i32>(out, i8x16.narrow_i16x8_u(words, words), 0);
  }
}

/**
 * Two pairs of weights a column, as almost every picture has that its decoder shrank already.
 */
// @ts-ignore: decorator
@inline
function meanOfFourColumns(line: usize, columns: usize, table: usize, out: usize): void {
  const half = i32x4.splat(1 << 19);
  for (const end = out + columns * 3; out < end; out += 3, table += 12) {
    const from = line + load<i32>(table) * 6;
    const first = i32x4.dot_i16x8_s(channelsOfTwo(from), v128.load_splat<i32>(table, 4));
    const second = i32x4.dot_i16x8_s(channelsOfTwo(from + 12), v128.load_splat<i32>(table, 8));
    const sum = i32x4.add(i32x4.add(half, first), second);
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, 20), sum);
    v128.store_lane<i32>(out, i8x16.narrow_i16x8_u(words, words), 0);
  }
}

/**
 * @param source rows of pixels, `stride` bytes each; a row and 16 bytes after them are read, and count for nothing
 * @param down table of weights for `rows` rows
 * @param along table of weights for `columns` columns
 * @param line room for two bytes of each of a row's bytes, and 64 bytes more
 * @param out room for rows · columns · 3 bytes and one more
 */
export function scale(
  source: usize,
  stride: usize,
  down: usize,
  downPairs: usize,
  rows: usize,
  along: usize,
  alongPairs: usize,
  columns: usize,
  line: usize,
  out: usize,
): void {
  for (let row: usize = 0; row < rows; row++) {
    const top = source + <usize>load<i32>(down) * stride;
    meanOfRows(top, stride, stride, down + 4, downPairs, line);
    down += 4 + (downPairs << 2);
    if (alongPairs == 2) meanOfFourColumns(line, columns, along, out);
    else meanOfColumns(line, columns, along, alongPairs, out);
    out += columns * 3;
  }
}
