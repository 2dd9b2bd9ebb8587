import { Buffer } from "node:buffer";
import type { Pixels } from "./framed.js";
import type { ImageSize } from "./frames/pictureFrame.js";

/** A picture's size after it was turned by an EXIF orientation, or before: both change the same way. */
export const turnedSize = ({ width, height }: ImageSize, orientation: number): ImageSize =>
  orientation >= 5 ? { width: height, height: width } : { width, height };

/** Pixels as they are to be seen by an EXIF orientation (EXIF 2.32, 4.6.4): 1 (as they are) to 8. */
export function turned(pixels: Pixels, orientation: number): Pixels {
  if (orientation === 1) return pixels;
  const { data, width, height, channels } = pixels;
  const size = turnedSize(pixels, orientation);
  const isFromRight = [2, 3, 7, 8].includes(orientation);
  const isFromBelow = [3, 4, 6, 7].includes(orientation);
  const [right, down] = [isFromRight ? -channels : channels, (isFromBelow ? -width : width) * channels];
  // Steps in the source for one pixel to the right and one row down in what is made.
  const [along, across] = orientation >= 5 ? [down, right] : [right, down];
  const start = ((isFromRight ? width - 1 : 0) + (isFromBelow ? (height - 1) * width : 0)) * channels;
  const out = Buffer.allocUnsafe(data.length);
  for (let y = 0, to = 0; y < size.height; y++) {
    let from = start + y * across;
    for (let x = 0; x < size.width; x++, from += along)
      for (let channel = 0; channel < channels; channel++) out[to++] = data[from + channel]!;
  }
  return { data: out, ...size, channels };
}
