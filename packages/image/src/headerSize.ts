import { jpegFrame } from "./jpeg/jpegFrame.js";
import type { RasterFormat } from "./sniffFormat.js";

/** Pixels. */
export interface ImageSize {
  width: number;
  height: number;
}

/**
 * Width and height of a picture that has no EXIF data, by the few bytes that say them; null where there is EXIF data (it
 * may turn the picture), and for everything unusual: libvips is to be asked then, which costs 30 times as much.
 */
export function headerSize(bytes: Buffer, format: RasterFormat): ImageSize | null {
  if (format === "jpeg") return jpegSize(bytes);
  if (format === "png") return pngSize(bytes);
  return format === "webp" ? webpSize(bytes) : null;
}

function jpegSize(bytes: Buffer): ImageSize | null {
  const frame = jpegFrame(bytes);
  return frame === null || frame.hasExif ? null : { width: frame.width, height: frame.height };
}

/** The first chunk is IHDR (PNG specification, 5.6); EXIF data may stand in any chunk before the pixels. */
function pngSize(bytes: Buffer): ImageSize | null {
  if (bytes.length < 33 || bytes.toString("latin1", 12, 16) !== "IHDR") return null;
  for (let at = 33; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IDAT") return sized(bytes.readUInt32BE(16), bytes.readUInt32BE(20));
    if (type === "eXIf" || type === "acTL") return null;
  }
  return null;
}

/** One frame without EXIF data: lossy (RFC 6386, 9.1), lossless or extended (RFC 9649, 2.7 and 3.4). */
function webpSize(bytes: Buffer): ImageSize | null {
  if (bytes.length < 30) return null;
  switch (bytes.toString("latin1", 12, 16)) {
    case "VP8 ":
      if (bytes.readUIntBE(23, 3) !== 0x9d012a) return null;
      return sized(bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff);
    case "VP8L": {
      if (bytes[20] !== 0x2f) return null;
      const sides = bytes.readUInt32LE(21);
      return sized((sides & 0x3fff) + 1, ((sides >> 14) & 0x3fff) + 1);
    }
    case "VP8X": {
      const [exif, animation] = [0x08, 0x02];
      if ((bytes[20]! & (exif | animation)) !== 0) return null;
      return sized(bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1);
    }
    default:
      return null;
  }
}

const sized = (width: number, height: number): ImageSize | null =>
  width > 0 && height > 0 ? { width, height } : null;
