import type { RasterFormat } from "../sniffFormat.js";
import { jpegFrame } from "./jpegFrame.js";

/** Pixels. */
export interface ImageSize {
  width: number;
  height: number;
}

/** What the few bytes before a picture's own say of it. */
export interface PictureFrame extends ImageSize {
  format: "jpeg" | "png" | "webp";
  /** EXIF data may turn the picture: width and height are those before. */
  hasExif: boolean;
  /** 8 bits a channel, grey or colour, no alpha, no colour profile; false as well where that isn't looked for (PNG). */
  isOrdinary: boolean;
}

/**
 * Reads size and kind of a picture of one frame by the few bytes that say them; null for everything unusual: libvips is
 * to be asked then, which costs 30 times as much.
 */
export function pictureFrame(bytes: Buffer, format: RasterFormat): PictureFrame | null {
  if (format === "jpeg") return jpegFrame(bytes);
  if (format === "png") return pngFrame(bytes);
  return format === "webp" ? webpFrame(bytes) : null;
}

/** The first chunk is IHDR (PNG specification, 5.6); EXIF data may stand in any chunk before the pixels. */
function pngFrame(bytes: Buffer): PictureFrame | null {
  if (bytes.length < 33 || bytes.toString("latin1", 12, 16) !== "IHDR") return null;
  let hasExif = false;
  for (let at = 33; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "IDAT")
      return sized("png", bytes.readUInt32BE(16), bytes.readUInt32BE(20), { hasExif, isOrdinary: false });
    if (type === "eXIf") hasExif = true;
    if (type === "acTL") return null;
  }
  return null;
}

/** One frame: lossy (RFC 6386, 9.1), lossless or extended (RFC 9649, 2.7 and 3.4). */
function webpFrame(bytes: Buffer): PictureFrame | null {
  if (bytes.length < 30) return null;
  switch (bytes.toString("latin1", 12, 16)) {
    case "VP8 ":
      if (bytes.readUIntBE(23, 3) !== 0x9d012a) return null;
      return sized("webp", bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff);
    case "VP8L": {
      if (bytes[20] !== 0x2f) return null;
      const bits = bytes.readUInt32LE(21);
      const hasAlpha = (bits & (1 << 28)) !== 0;
      return sized("webp", (bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1, { isOrdinary: !hasAlpha });
    }
    case "VP8X": {
      const [profile, alpha, exif, animation] = [0x20, 0x10, 0x08, 0x02];
      const flags = bytes[20]!;
      if ((flags & animation) !== 0) return null;
      return sized("webp", bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1, {
        hasExif: (flags & exif) !== 0,
        isOrdinary: (flags & (profile | alpha)) === 0,
      });
    }
    default:
      return null;
  }
}

function sized(
  format: PictureFrame["format"],
  width: number,
  height: number,
  { hasExif = false, isOrdinary = true } = {},
): PictureFrame | null {
  return width > 0 && height > 0 ? { format, width, height, hasExif, isOrdinary } : null;
}
