import sharp from "sharp";
import type { DemoFormat, DemoPicture } from "./demoPicture.js";

export interface RenderOptions {
  /** Default: the picture's own format. */
  format?: DemoFormat;
  /** Pixels of the wider rendering; default the picture's own. The height follows. */
  width?: number;
  /** 1–100, for jpg, webp and avif; default 88. */
  quality?: number;
}

/** The picture's file. Equal arguments give equal bytes (with one build of sharp). */
export async function renderDemoPicture(
  picture: DemoPicture,
  { format = picture.format, width = picture.width, quality = 88 }: RenderOptions = {},
): Promise<Buffer> {
  let image = sharp(Buffer.from(picture.svg)).flatten();
  if (width !== picture.width) image = image.resize(width);
  switch (format) {
    case "jpg":
      return image.jpeg({ quality }).toBuffer();
    case "png":
      return image.png({ compressionLevel: 3 }).toBuffer();
    case "webp":
      return image.webp({ quality, effort: 0 }).toBuffer();
    case "gif":
      return image.gif({ effort: 1, colours: 64, dither: 0 }).toBuffer();
    case "avif":
      return image.avif({ quality: 70, effort: 0 }).toBuffer();
  }
}

/** The picture as raw RGB, `side` × `side` × 3 bytes, for training on it without a crawl. */
export async function renderDemoPixels(picture: DemoPicture, side: number): Promise<Buffer> {
  return sharp(Buffer.from(picture.svg)).flatten().resize(side, side, { fit: "fill" }).raw().toBuffer();
}
