import sharp from "sharp";
import type { RawImage } from "./rawImage.js";

/** Decoded pixels, and how they must be resized to be seen as Pillow sees them. */
export interface DecodedImage extends RawImage {
  readonly resample: "bicubic" | "nearest";
}

/**
 * Pixels of a JPEG, PNG, WebP or other raster file, as Pillow has them: no profile applied, not turned by EXIF, an
 * animation's first frame. Images with a palette or of one bit are to be resized by nearest neighbour. Not as Pillow:
 * 16-bit grey is scaled to 8 bits (Pillow cuts it off at 255), what a GIF makes transparent is black, and AVIF's colours
 * are upsampled by libheif (docs/evaluation.md).
 *
 * @throws Error if the bytes are no image that can be decoded, or have more than `maxPixels` pixels
 */
export async function decodeImage(bytes: Uint8Array, maxPixels = 100_000_000): Promise<DecodedImage> {
  const picture = sharp(bytes, { limitInputPixels: maxPixels, failOn: "error", ignoreIcc: true });
  const { isPalette = false, space, bitsPerSample, hasAlpha, format } = await picture.metadata();
  const cmyk = space === "cmyk";
  const grey = space === "b-w" || space === "grey16";
  const alpha = hasAlpha && !(format === "png" && isKeyed(bytes));
  if (!alpha) picture.removeAlpha();
  if (cmyk) picture.pipelineColourspace("cmyk");
  // grey with alpha becomes RGBA: sharp would drop the alpha of raw grey
  const { data, info } = await picture
    .toColourspace(cmyk ? "cmyk" : grey && !alpha ? "b-w" : "srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const resample = isPalette || (grey && bitsPerSample === 1) ? "nearest" : "bicubic";
  return { data, width, height, channels, resample, ...(cmyk ? { colours: "cmyk" } : {}) };
}

/** A PNG whose transparency is a colour, not a channel: Pillow resizes it without. */
function isKeyed(png: Uint8Array): boolean {
  const colourType = png[25];
  return colourType === 0 || colourType === 2;
}
