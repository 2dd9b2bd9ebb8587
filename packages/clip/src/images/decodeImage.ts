import sharp from "sharp";
import type { RawImage } from "./rawImage.js";
import type { Resample } from "./resizeImage.js";

/** Decoded pixels, and how they must be resized to be seen as Pillow sees them. */
export interface DecodedImage extends RawImage {
  readonly resample: Resample;
}

/**
 * Pixels of a JPEG, PNG, WebP or other raster file. Images with a palette are to be resized by nearest neighbour.
 *
 * @throws Error if the bytes are no image that can be decoded, or have more than `maxPixels` pixels
 */
export async function decodeImage(bytes: Uint8Array, maxPixels = 100_000_000): Promise<DecodedImage> {
  const picture = sharp(bytes, { limitInputPixels: maxPixels, failOn: "error" });
  const { isPalette, space } = await picture.metadata();
  const grey = space === "b-w" || space === "grey16";
  const { data, info } = await picture
    .toColourspace(grey ? "b-w" : "srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { data, width, height, channels, resample: isPalette === true ? "nearest" : "bicubic" };
}
