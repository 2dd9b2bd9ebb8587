import type { RawImage } from "./rawImage.js";

/** CMYK pixels as RGB, by Pillow's plain arithmetic (libImaging/Convert.c), no profile; other pixels as they are. */
export function cmykToRgb(image: RawImage): RawImage {
  if (image.colours === undefined) return image;
  const { data, width, height } = image;
  const rgb = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const light = 255 - data[from + 3]!;
    for (let channel = 0; channel < 3; channel++) {
      const product = data[from + channel]! * light + 128;
      rgb[to++] = light - ((product + (product >> 8)) >> 8);
    }
  }
  return { data: rgb, width, height, channels: 3 };
}
