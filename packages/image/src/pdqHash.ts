import { axisWeights } from "./axisWeights.js";

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

/** Size of the picture before it was scaled down, in pixels. */
export interface OriginalSize {
  width: number;
  height: number;
}

/**
 * PDQ hash of 8-bit pixels ("The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook
 * 2019, section 4): luma, two passes of box filters over each axis (Jarosz), 64 × 64 samples, their 16 × 16
 * lowest frequencies without the constant, one bit for each above the median.
 * Filters and sampling are one sparse matrix an axis (`axisWeights`), so a picture that was scaled down before can be
 * hashed nearly as if it were whole: the matrix is made for the original size.
 * @param pixels rows of `channels` interleaved bytes, 1 (grey) or 3 (RGB)
 * @param original the size before scaling, where the pixels were scaled; 256 a side is enough then
 */
export function pdqHash(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: number,
  original: OriginalSize = { width, height },
): PdqHash {
  if (original.width < MIN_SIDE || original.height < MIN_SIDE) return { pdq: "0".repeat(64), pdqQuality: 0 };
  const grid = sampleGrid(pixels, width, height, channels, original);
  return { pdq: bitsAboveMedian(lowFrequencies(grid)), pdqQuality: gradientQuality(grid) };
}

/** Luma, filtered and sampled: [GRID × GRID]. */
function sampleGrid(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: number,
  original: OriginalSize,
): Float64Array {
  const line = new Float64Array(width);
  const along = axisWeights(original.width, width);
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
    for (let i = 0; i < GRID; i++) {
      let sum = 0;
      const first = along.first[i]!;
      const end = along.offset[i + 1]!;
      for (let w = along.offset[i]!, x = first; w < end; w++, x++) sum += along.weights[w]! * line[x]!;
      narrow[y * GRID + i] = sum;
    }
  }
  const grid = new Float64Array(GRID * GRID);
  const down = axisWeights(original.height, height);
  for (let i = 0; i < GRID; i++) {
    const end = down.offset[i + 1]!;
    for (let w = down.offset[i]!, y = down.first[i]!; w < end; w++, y++) {
      const weight = down.weights[w]!;
      for (let x = 0; x < GRID; x++) grid[i * GRID + x]! += weight * narrow[y * GRID + x]!;
    }
  }
  return grid;
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
