/** Weights for one axis, as the kernel wants them: for each output pixel the first input pixel, then its weights by two. */
export interface AreaTable {
  words: Int32Array;
  /** Pairs of weights an output pixel. */
  pairs: number;
}

/** Weights are whole numbers; those of a pixel add up to this. */
export const weightUnit = 1 << 14;

/**
 * The share that each input pixel has in each output pixel, where both cover the same line: OpenCV's INTER_AREA.
 * @param extent what the line is long, in input pixels: less than `length` where the last of them is only begun
 * @param length input pixels
 * @param size output pixels, no more than `extent`
 */
export function areaTable(extent: number, length: number, size: number): AreaTable {
  const step = extent / size;
  const begins = (at: number): number => at * step;
  const firstOf = (at: number): number => Math.min(Math.floor(begins(at)), length - 1);
  const endOf = (at: number): number =>
    Math.max(firstOf(at) + 1, Math.min(length, Math.ceil(begins(at + 1) - 1e-9)));
  let most = 1;
  for (let at = 0; at < size; at++) most = Math.max(most, endOf(at) - firstOf(at));
  const pairs = Math.ceil(most / 2);
  const words = new Int32Array(size * (1 + pairs));
  const weights = new Int32Array(2 * pairs);
  for (let at = 0; at < size; at++) {
    const [first, end] = [firstOf(at), endOf(at)];
    // Pixels beyond the line's end are not read, but for one where it has an odd number and all count.
    const from = Math.max(0, Math.min(first, length - 2 * pairs));
    weights.fill(0);
    // Sums are rounded, not weights: what one has too little the next one gets.
    const sumAt = (pixel: number): number => Math.round(((pixel - begins(at)) / step) * weightUnit);
    for (let pixel = first, before = 0; pixel < end; pixel++) {
      const after = pixel === end - 1 ? weightUnit : sumAt(pixel + 1);
      weights[pixel - from] = after - before;
      before = after;
    }
    const word = at * (1 + pairs);
    words[word] = from;
    for (let pair = 0; pair < pairs; pair++)
      words[word + 1 + pair] = weights[2 * pair]! | (weights[2 * pair + 1]! << 16);
  }
  return { words, pairs };
}
