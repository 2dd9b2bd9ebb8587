/** A PDQ hash: 64 hex digits and the quality from 0 (flat) to 100. */
export interface PdqHash {
  pdq: string;
  pdqQuality: number;
}

/** Side of the grid that the filtered picture is sampled on. */
const GRID = 64;
/** Side of the block of low frequencies that is kept. */
const BLOCK = 16;
/** Pictures with a shorter side can't be hashed: hash and quality are zero. */
const MIN_SIDE = 5;

/** Rows 1 to 16 of the 64-point DCT-II (the constant row 0 is left out): [BLOCK × GRID]. */
let cosines: Float64Array | null = null;
function dctRows(): Float64Array {
  if (cosines) return cosines;
  cosines = new Float64Array(BLOCK * GRID);
  for (let i = 0; i < BLOCK; i++) {
    for (let j = 0; j < GRID; j++) {
      cosines[i * GRID + j] = Math.sqrt(2 / GRID) * Math.cos((Math.PI / (2 * GRID)) * (i + 1) * (2 * j + 1));
    }
  }
  return cosines;
}

/**
 * PDQ hash of 8-bit pixels ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook
 * 2019, section 4): luma, two passes of box filters over each axis (Jarosz), 64 × 64 samples, their 16 × 16
 * lowest frequencies without the constant, one bit for each above the median.
 * The box filters of the two axes commute, so each row is filtered twice and sampled at once, then the columns.
 * @param pixels rows of `channels` interleaved bytes, 1 (grey) or 3 (RGB); any size, 256–512 a side is enough
 */
export function pdqHash(pixels: Uint8Array, width: number, height: number, channels: number): PdqHash {
  if (width < MIN_SIDE || height < MIN_SIDE) return { pdq: "0".repeat(64), pdqQuality: 0 };
  const grid = sampleGrid(pixels, width, height, channels);
  return { pdq: bitsAboveMedian(lowFrequencies(grid)), pdqQuality: gradientQuality(grid) };
}

/** Luma, filtered and sampled: [GRID × GRID]. */
function sampleGrid(pixels: Uint8Array, width: number, height: number, channels: number): Float64Array {
  const line = new Float64Array(width);
  const filter = new AxisFilter(width);
  const narrow = new Float64Array(height * GRID); // [height × GRID]
  for (let y = 0; y < height; y++) {
    const start = y * width * channels;
    if (channels >= 3) {
      for (let x = 0, p = start; x < width; x++, p += channels) {
        line[x] = 0.299 * pixels[p]! + 0.587 * pixels[p + 1]! + 0.114 * pixels[p + 2]!;
      }
    } else {
      for (let x = 0, p = start; x < width; x++, p += channels) line[x] = pixels[p]!;
    }
    filter.run(line, narrow, y * GRID, 1);
  }
  const grid = new Float64Array(GRID * GRID);
  const column = new Float64Array(height);
  const columnFilter = new AxisFilter(height);
  for (let x = 0; x < GRID; x++) {
    for (let y = 0; y < height; y++) column[y] = narrow[y * GRID + x]!;
    columnFilter.run(column, grid, x, GRID);
  }
  return grid;
}

/** Two box filters along one axis of a given length, then GRID samples at the middles of equal parts. */
class AxisFilter {
  private readonly before: number;
  private readonly after: number;
  private readonly once: Float64Array;
  private readonly twice: Float64Array;
  private readonly samples: Int32Array;

  constructor(private readonly length: number) {
    // the reference copies a picture that is 64 × 64 already; a window of 1 changes nothing either
    const window = Math.floor((length + 2 * GRID - 1) / (2 * GRID));
    const half = Math.floor((window + 2) / 2);
    this.after = half - 1;
    this.before = window - half;
    this.once = new Float64Array(length);
    this.twice = new Float64Array(length);
    this.samples = Int32Array.from({ length: GRID }, (_, i) => Math.floor(((i + 0.5) * length) / GRID));
  }

  run(line: Float64Array, out: Float64Array, offset: number, stride: number): void {
    this.box(line, this.once);
    this.box(this.once, this.twice);
    for (let i = 0; i < GRID; i++) out[offset + i * stride] = this.twice[this.samples[i]!]!;
  }

  /** Running mean over [i − before, i + after], shorter at the edges. */
  private box(from: Float64Array, to: Float64Array): void {
    const { before, after, length } = this;
    let sum = 0;
    let count = 0;
    for (let i = 0; i < Math.min(after, length); i++, count++) sum += from[i]!;
    for (let i = 0; i < length; i++) {
      if (i + after < length) {
        sum += from[i + after]!;
        count++;
      }
      if (i - before - 1 >= 0) {
        sum -= from[i - before - 1]!;
        count--;
      }
      to[i] = sum / count;
    }
  }
}

/** C · grid · Cᵀ with C the DCT rows: [BLOCK × BLOCK], row = vertical frequency. */
function lowFrequencies(grid: Float64Array): Float64Array {
  const c = dctRows();
  const half = new Float64Array(BLOCK * GRID);
  for (let i = 0; i < BLOCK; i++) {
    for (let k = 0; k < GRID; k++) {
      const weight = c[i * GRID + k]!;
      for (let x = 0; x < GRID; x++) half[i * GRID + x]! += weight * grid[k * GRID + x]!;
    }
  }
  const block = new Float64Array(BLOCK * BLOCK);
  for (let i = 0; i < BLOCK; i++) {
    for (let j = 0; j < BLOCK; j++) {
      let sum = 0;
      for (let x = 0; x < GRID; x++) sum += half[i * GRID + x]! * c[j * GRID + x]!;
      block[i * BLOCK + j] = sum;
    }
  }
  return block;
}

/** Bit k = 16 i + j is set where the coefficient is above the lower median; the hex digits begin with bit 255. */
function bitsAboveMedian(block: Float64Array): string {
  const median = block.slice().sort()[(BLOCK * BLOCK) / 2 - 1]!;
  const bytes = Buffer.alloc(32);
  for (let k = 0; k < BLOCK * BLOCK; k++) if (block[k]! > median) bytes[31 - (k >> 3)]! |= 1 << (k & 7);
  return bytes.toString("hex");
}

/** Sum of the gradients between neighbours, in hundredths of the full range cut to whole numbers; at most 100. */
function gradientQuality(grid: Float64Array): number {
  let sum = 0;
  for (let y = 0; y < GRID; y++) {
    for (let x = 0; x < GRID; x++) {
      const here = grid[y * GRID + x]!;
      if (y + 1 < GRID) sum += Math.abs(Math.trunc(((here - grid[(y + 1) * GRID + x]!) * 100) / 255));
      if (x + 1 < GRID) sum += Math.abs(Math.trunc(((here - grid[y * GRID + x + 1]!) * 100) / 255));
    }
  }
  return Math.min(100, Math.floor(sum / 90));
}
