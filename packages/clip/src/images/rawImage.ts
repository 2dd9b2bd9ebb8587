/** Decoded pixels, rows from the top, channels side by side: grey, grey and alpha, RGB, RGBA, or CMYK where `colours` says so. */
export interface RawImage {
  readonly colours?: "cmyk";
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** A rectangle of whole pixels. */
export interface PixelBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A part of an image, copied. The box must lie inside. */
export function cropImage(image: RawImage, box: PixelBox): RawImage {
  const { channels } = image;
  const { left, top, width, height } = box;
  const inside = left >= 0 && top >= 0 && left + width <= image.width && top + height <= image.height;
  if (!inside || width < 1 || height < 1) {
    throw new RangeError(
      `A crop of ${width}×${height} at ${left},${top} leaves ${image.width}×${image.height}`,
    );
  }
  if (width === image.width && height === image.height) return image;
  const data = new Uint8Array(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), row * width * channels);
  }
  return { ...image, data, width, height };
}
