/** Number of samples along an axis. */
const SAMPLES = 64;

/** A sparse matrix of 64 rows: row i has the weights[offset[i] … offset[i + 1]), the first of them for pixel first[i]. */
export interface AxisWeights {
  first: Int32Array;
  offset: Int32Array;
  weights: Float64Array;
}

/**
 * What PDQ's two box filters and its choice of 64 samples do to one axis, as weights of pixels.
 * The window is ⌊(n + 127) / 128⌋ pixels for a length of n, one longer to the right where even, cut at the edges;
 * samples are taken at ⌊(i + ½) n / 64⌋.
 * @param original the length that filter and samples are made for
 * @param length the length that the pixels have now: each original pixel is then read by linear interpolation
 */
export function axisWeights(original: number, length: number): AxisWeights {
  const window = Math.floor((original + 2 * SAMPLES - 1) / (2 * SAMPLES));
  const half = Math.floor((window + 2) / 2);
  const left = window - half;
  const right = half - 1;
  const first = new Int32Array(SAMPLES);
  const offset = new Int32Array(SAMPLES + 1);
  const rows: Float64Array[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    const centre = Math.floor(((i + 0.5) * original) / SAMPLES);
    const begin = Math.max(0, centre - 2 * left);
    const end = Math.min(original, centre + 2 * right + 1);
    const whole = twiceBoxed(original, centre, left, right, begin, end);
    const row =
      original === length
        ? { first: begin, weights: whole }
        : interpolated(whole, begin, length / original, length);
    first[i] = row.first;
    rows.push(row.weights);
    offset[i + 1] = offset[i]! + row.weights.length;
  }
  const weights = new Float64Array(offset[SAMPLES]!);
  for (const [i, row] of rows.entries()) weights.set(row, offset[i]);
  return { first, offset, weights };
}

/** Weights of the pixels begin … end − 1 in the mean of the means around a centre. */
function twiceBoxed(
  length: number,
  centre: number,
  left: number,
  right: number,
  begin: number,
  end: number,
): Float64Array {
  const change = new Float64Array(end - begin + 1);
  const outerBegin = Math.max(0, centre - left);
  const outerEnd = Math.min(length, centre + right + 1);
  for (let j = outerBegin; j < outerEnd; j++) {
    const innerBegin = Math.max(0, j - left);
    const innerEnd = Math.min(length, j + right + 1);
    const share = 1 / ((outerEnd - outerBegin) * (innerEnd - innerBegin));
    change[innerBegin - begin]! += share;
    change[innerEnd - begin]! -= share;
  }
  const weights = new Float64Array(end - begin);
  let sum = 0;
  for (let k = 0; k < weights.length; k++) weights[k] = sum += change[k]!;
  return weights;
}

/** Moves weights of original pixels to the two nearest pixels of a scaled line. */
function interpolated(
  whole: Float64Array,
  begin: number,
  scale: number,
  length: number,
): { first: number; weights: Float64Array } {
  const place = (j: number): number => Math.min(length - 1, Math.max(0, (j + 0.5) * scale - 0.5));
  const first = Math.floor(place(begin));
  const last = Math.min(length - 1, Math.floor(place(begin + whole.length - 1)) + 1);
  const weights = new Float64Array(last - first + 1);
  for (let k = 0; k < whole.length; k++) {
    const at = place(begin + k);
    const low = Math.floor(at);
    const share = at - low;
    weights[low - first]! += whole[k]! * (1 - share);
    if (share > 0) weights[low + 1 - first]! += whole[k]! * share;
  }
  return { first, weights };
}
