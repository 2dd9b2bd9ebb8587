import type { PixelBox, RawImage } from "./rawImage.js";

/** Pillow's filters by their names in open_clip and torchvision. */
export type Resample = "bicubic" | "bilinear" | "lanczos" | "nearest";

/**
 * Resizes as Pillow does, to the last bit: the filter (bicubic with a = −½ where none is named) widened by the scale when
 * shrinking, across and down, rounded to bytes in between; colours weighted by alpha where there is one.
 *
 * @param window the part of the resized image that is wanted; only it is computed
 */
export function resizeImage(
  image: RawImage,
  width: number,
  height: number,
  options: { resample?: Resample; window?: PixelBox } = {},
): RawImage {
  const window = options.window ?? { left: 0, top: 0, width, height };
  const { resample = "bicubic" } = options;
  if (resample === "nearest") return nearest(image, width, height, window);
  const filter = filters[resample];
  const alpha = image.colours === undefined && (image.channels === 2 || image.channels === 4);
  const columns = kernels(filter, image.width, width, window.left, window.width);
  const rows = kernels(filter, image.height, height, window.top, window.height);
  const source = alpha ? weighted(image) : image;
  const done = isDownFirst(image, width, height)
    ? passAcross(passDown(source, rows, 0), columns, 0, rows.count)
    : passDown(passAcross(source, columns, rows.from, rows.to - rows.from), rows, rows.from);
  return alpha ? unweighted(done) : done;
}

/**
 * Which pass comes first, as Pillow 13 chooses it: bytes are rounded between the two, so the order shows. Older versions begin
 * across whatever the sizes are. (Seen in its output for all sizes of a grid: it goes down first where that leaves out more than
 * twice as many rows as the other leaves out columns.)
 */
function isDownFirst(image: RawImage, width: number, height: number): boolean {
  return height < image.height && image.height - height > 2 * (image.width - width);
}

/** For each wanted output pixel: which input pixels, and with what weight. */
interface Kernels {
  readonly count: number;
  /** Weights of one output pixel in `weights`. */
  readonly size: number;
  readonly first: Int32Array;
  readonly length: Int32Array;
  /** Fixed point with 22 bits after the point. */
  readonly weights: Int32Array;
  /** Range of input pixels that any output pixel needs. */
  readonly from: number;
  readonly to: number;
}

const precisionBits = 22;
const half = 1 << (precisionBits - 1);

function bicubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

/** The triangle of Pillow's BILINEAR. */
function bilinear(x: number): number {
  return Math.max(0, 1 - Math.abs(x));
}

function lanczos(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

interface Filter {
  readonly weight: (x: number) => number;
  /** Input pixels to each side that have a weight, where nothing shrinks. */
  readonly support: number;
}

const filters: Readonly<Record<Exclude<Resample, "nearest">, Filter>> = {
  bicubic: { weight: bicubic, support: 2 },
  bilinear: { weight: bilinear, support: 1 },
  lanczos: { weight: lanczos, support: 3 },
};

function kernels(filter: Filter, inputs: number, outputs: number, start: number, count: number): Kernels {
  const scale = inputs / outputs;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const size = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(count);
  const length = new Int32Array(count);
  const weights = new Int32Array(count * size);
  const raw = new Float64Array(size);
  for (let output = 0; output < count; output++) {
    if (inputs === outputs) {
      first[output] = start + output;
      length[output] = 1;
      weights[output * size] = 1 << precisionBits;
      continue;
    }
    const center = (start + output + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - support + 0.5));
    const high = Math.min(inputs, Math.trunc(center + support + 0.5));
    let total = 0;
    for (let i = low; i < high; i++) {
      raw[i - low] = filter.weight((i - center + 0.5) / filterScale);
      total += raw[i - low]!;
    }
    for (let i = 0; i < high - low; i++) {
      const weight = (total === 0 ? raw[i]! : raw[i]! / total) * (1 << precisionBits);
      weights[output * size + i] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    first[output] = low;
    length[output] = high - low;
  }
  const last = count - 1;
  return { count, size, first, length, weights, from: first[0]!, to: first[last]! + length[last]! };
}

function toByte(fixed: number): number {
  const value = fixed >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Resizes `height` rows across, those from `from` on. */
function passAcross(image: RawImage, columns: Kernels, from: number, height: number): RawImage {
  const { channels, data, width } = image;
  const { count, size, first, length, weights } = columns;
  const out = new Uint8Array(count * height * channels);
  for (let row = 0; row < height; row++) {
    const line = (from + row) * width * channels;
    let to = row * count * channels;
    for (let column = 0; column < count; column++) {
      const start = line + first[column]! * channels;
      const taps = length[column]!;
      const at = column * size;
      for (let channel = 0; channel < channels; channel++) {
        let sum = half;
        let place = start + channel;
        for (let tap = 0; tap < taps; tap++) {
          sum += data[place]! * weights[at + tap]!;
          place += channels;
        }
        out[to++] = toByte(sum);
      }
    }
  }
  return { ...image, data: out, width: count, height };
}

/** Resizes down an image whose first row is row `from` of the original. */
function passDown(image: RawImage, rows: Kernels, from: number): RawImage {
  const { channels, data, width } = image;
  const { count, size, first, length, weights } = rows;
  const stride = width * channels;
  const out = new Uint8Array(stride * count);
  const sums = new Int32Array(stride);
  for (let row = 0; row < count; row++) {
    sums.fill(half);
    for (let tap = 0; tap < length[row]!; tap++) {
      const weight = weights[row * size + tap]!;
      const line = (first[row]! - from + tap) * stride;
      for (let i = 0; i < stride; i++) sums[i]! += data[line + i]! * weight;
    }
    for (let i = 0; i < stride; i++) out[row * stride + i] = toByte(sums[i]!);
  }
  return { ...image, data: out, width, height: count };
}

function nearest(image: RawImage, width: number, height: number, window: PixelBox): RawImage {
  const { channels } = image;
  const columns = nearestPixels(image.width, width).subarray(window.left, window.left + window.width);
  const rows = nearestPixels(image.height, height).subarray(window.top, window.top + window.height);
  const out = new Uint8Array(rows.length * columns.length * channels);
  let to = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = (row * image.width + column) * channels;
      for (let channel = 0; channel < channels; channel++) out[to++] = image.data[from + channel]!;
    }
  }
  return { ...image, data: out, width: columns.length, height: rows.length };
}

/** The input pixel of each output pixel. Steps are added up one by one, as Pillow does: rounding shows at the borders. */
function nearestPixels(inputs: number, outputs: number): Int32Array {
  const step = inputs / outputs;
  const pixels = new Int32Array(outputs);
  let at = step * 0.5;
  for (let output = 0; output < outputs; output++) {
    pixels[output] = Math.min(inputs - 1, Math.trunc(at));
    at += step;
  }
  return pixels;
}

/** Colours multiplied by alpha, rounded as Pillow does. */
function weighted(image: RawImage): RawImage {
  const { channels } = image;
  const data = Uint8Array.from(image.data);
  for (let pixel = 0; pixel < data.length; pixel += channels) {
    const alpha = data[pixel + channels - 1]!;
    for (let channel = 0; channel < channels - 1; channel++) {
      const product = data[pixel + channel]! * alpha + 128;
      data[pixel + channel] = ((product >> 8) + product) >> 8;
    }
  }
  return { ...image, data };
}

function unweighted(image: RawImage): RawImage {
  const { channels, data } = image;
  for (let pixel = 0; pixel < data.length; pixel += channels) {
    const alpha = data[pixel + channels - 1]!;
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = 0; channel < channels - 1; channel++) {
      data[pixel + channel] = Math.min(255, Math.trunc((255 * data[pixel + channel]!) / alpha));
    }
  }
  return image;
}
