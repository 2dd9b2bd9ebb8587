import { cmykToRgb } from "./cmykToRgb.js";
import { cropImage, type PixelBox, type RawImage } from "./rawImage.js";
import { resizeImage, type Resample } from "./resizeImage.js";

/** Mean and standard deviation of CLIP's training images, by channel, of values from 0 to 1. */
export const clipMean = [0.48145466, 0.4578275, 0.40821073] as const;
export const clipDeviation = [0.26862954, 0.26130258, 0.27577711] as const;

/**
 * How a picture's sides become the model's:
 * - `shortest`: the shorter side is resized, the centre cut out
 * - `longest`: the longer side is resized, the rest filled with a colour
 * - `squash`: both sides are resized, whatever the picture's shape
 */
export type ResizeMode = "shortest" | "longest" | "squash";

export interface PreprocessOptions {
  /** Height and width of the model's images; one number for a square. */
  readonly size: number | readonly [height: number, width: number];
  readonly mean?: readonly number[];
  readonly deviation?: readonly number[];
  /** The model's filter; bicubic where it says none. */
  readonly interpolation?: Resample;
  readonly resizeMode?: ResizeMode;
  /** Of all channels, from 0 to 255: what `longest` fills with. */
  readonly fillColour?: number;
  /** "nearest" for images with a palette, which Pillow can't smooth whatever the model's filter is. */
  readonly resample?: "bicubic" | "nearest";
}

/** What a model says of its images: everything but what a picture says of itself. */
export type Preprocessing = Required<Omit<PreprocessOptions, "resample" | "size">> & {
  readonly size: readonly [height: number, width: number];
};

/**
 * An image as the image tower takes it: resized to the model's size, mean and deviation applied; equal to open_clip's
 * transform. Alpha is dropped after the resize.
 *
 * @param into where to put it (a batch), at `offset`; a new array if not given
 * @returns [H, W, 3]
 */
export function preprocessImage(
  image: RawImage,
  options: PreprocessOptions,
  into?: Float32Array,
  offset = 0,
): Float32Array {
  return normalizePixels(resizeToModel(image, options), options, into, offset);
}

function resizeToModel(image: RawImage, options: PreprocessOptions): RawImage {
  const [height, width] = sides(options.size);
  const { resizeMode = "shortest", interpolation = "bicubic", fillColour = 0 } = options;
  const isSmooth = options.resample !== "nearest";
  const resample = isSmooth ? interpolation : "nearest";
  if (resizeMode === "squash") return resizeImage(image, width, height, { resample });
  if (resizeMode === "longest") return padded(image, height, width, resample, fillColour);
  // open_clip resizes by the filter that is asked for where the model's images are square, by bicubic where they aren't
  return centerResize(image, height, width, isSmooth && height !== width ? "bicubic" : resample);
}

/**
 * A part of an image resized to the model's size, for training (`trainingCrop` chooses the part).
 *
 * @returns [H, W, 3]
 */
export function preprocessCrop(
  image: RawImage,
  box: PixelBox,
  options: PreprocessOptions,
  into?: Float32Array,
  offset = 0,
): Float32Array {
  const [height, width] = sides(options.size);
  const resample = options.resample ?? "bicubic";
  const resized = resizeImage(cropImage(image, box), width, height, { resample });
  return normalizePixels(resized, options, into, offset);
}

/** The shorter edge to size, then the centre: torchvision's Resize and CenterCrop. */
export function centerResize(
  image: RawImage,
  height: number,
  width: number,
  resample: Resample = "bicubic",
): RawImage {
  const [tall, wide] = resizedSides(image, height, width);
  const window = {
    left: roundHalfEven((wide - width) / 2),
    top: roundHalfEven((tall - height) / 2),
    width,
    height,
  };
  return resizeImage(image, wide, tall, { resample, window });
}

function resizedSides(image: RawImage, height: number, width: number): [height: number, width: number] {
  if (height !== width) {
    // the edge that would fall short decides
    const ratio = Math.min(image.height / height, image.width / width);
    return [
      Math.max(height, roundHalfEven(image.height / ratio)),
      Math.max(width, roundHalfEven(image.width / ratio)),
    ];
  }
  const shorter = Math.min(image.height, image.width);
  return [
    image.height === shorter ? height : Math.trunc((height * image.height) / shorter),
    image.width === shorter ? width : Math.trunc((width * image.width) / shorter),
  ];
}

/** The longer side to size, the rest filled: open_clip's ResizeKeepRatio(longest=1) and CenterCropOrPad. */
function padded(image: RawImage, height: number, width: number, resample: Resample, fill: number): RawImage {
  const ratio = Math.max(image.height / height, image.width / width);
  const [tall, wide] = [image.height, image.width].map((side) => Math.max(1, roundHalfEven(side / ratio)));
  const resized = resizeImage(image, wide!, tall!, { resample });
  if (wide === width && tall === height) return resized;
  const { channels } = image;
  const data = new Uint8Array(width * height * channels).fill(fill);
  const [left, top] = [Math.floor((width - wide!) / 2), Math.floor((height - tall!) / 2)];
  for (let row = 0; row < tall!; row++) {
    const line = resized.data.subarray(row * wide! * channels, (row + 1) * wide! * channels);
    data.set(line, ((top + row) * width + left) * channels);
  }
  return { ...resized, data, width, height };
}

function sides(size: PreprocessOptions["size"]): readonly [height: number, width: number] {
  return typeof size === "number" ? [size, size] : size;
}

/** Python's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** Bytes to normalised float32, three channels a pixel; grey is repeated, alpha dropped, CMYK converted. */
export function normalizePixels(
  image: RawImage,
  options: Pick<PreprocessOptions, "mean" | "deviation"> = {},
  into: Float32Array = new Float32Array(image.width * image.height * 3),
  offset = 0,
): Float32Array {
  const { data, channels } = cmykToRgb(image);
  const tables = normalizationTables(options.mean ?? clipMean, options.deviation ?? clipDeviation);
  const [red, green, blue] = tables as [Float32Array, Float32Array, Float32Array];
  const [second, third] = channels >= 3 ? [1, 2] : [0, 0];
  for (let from = 0, to = offset; from < data.length; from += channels) {
    into[to++] = red[data[from]!]!;
    into[to++] = green[data[from + second]!]!;
    into[to++] = blue[data[from + third]!]!;
  }
  return into;
}

/** The normalised value of each byte, by channel, rounded where float32 arithmetic rounds. */
function normalizationTables(mean: readonly number[], deviation: readonly number[]): Float32Array[] {
  return mean.map((center, channel) => {
    const spread = Math.fround(deviation[channel]!);
    return Float32Array.from(
      { length: 256 },
      (_, byte) => Math.fround(Math.fround(byte / 255) - Math.fround(center)) / spread,
    );
  });
}
