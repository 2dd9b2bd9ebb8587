import { isSrgbProfile } from "../profiles/isSrgbProfile.js";
import type { RasterFormat } from "../sniffFormat.js";
import { exifOrientation } from "./exifOrientation.js";
import { jpegFrame } from "./jpegFrame.js";

/** Pixels. */
export interface ImageSize {
  width: number;
  height: number;
}

/** What the few bytes beside a picture's own say of it. Width and height are those before it is turned. */
export interface PictureFrame extends ImageSize {
  format: "jpeg" | "png" | "webp";
  /** EXIF's, 1 (upright) to 8; null where there are EXIF data that aren't understood here. */
  orientation: number | null;
  /** As `exifJson` takes it; undefined where there is none, or `orientation` is null. */
  exif: Buffer | undefined;
  /**
   * 8 bits a channel, grey or colour, no alpha, no colour profile but sRGB's on colours; false as well where that isn't
   * looked for (PNG).
   */
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
    if (type === "IDAT") {
      const orientation = hasExif ? null : 1;
      return sized("png", bytes.readUInt32BE(16), bytes.readUInt32BE(20), { orientation, isOrdinary: false });
    }
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
      const flags = bytes[20]!;
      const has = (flag: number): boolean => (flags & flag) !== 0;
      const [profile, alpha, exifData, animation] = [0x20, 0x10, 0x08, 0x02];
      if (has(animation)) return null;
      const exif = has(exifData) ? webpChunk(bytes, "EXIF") : null;
      const orientation = exif === null ? (has(exifData) ? null : 1) : exifOrientation(exif);
      const icc = has(profile) ? webpChunk(bytes, "ICCP") : null;
      return sized("webp", bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1, {
        orientation,
        exif: orientation === null || exif === null ? undefined : exif,
        isOrdinary: !has(alpha) && (!has(profile) || (icc !== null && isSrgbProfile(icc))),
      });
    }
    default:
      return null;
  }
}

/** The first chunk of a name in an extended WebP; null where there is none. */
function webpChunk(bytes: Buffer, name: string): Buffer | null {
  for (let at = 12; at + 8 <= bytes.length;) {
    const [begin, size] = [at + 8, bytes.readUInt32LE(at + 4)];
    if (begin + size > bytes.length) return null;
    if (bytes.toString("latin1", at, at + 4) === name) return bytes.subarray(begin, begin + size);
    // Chunks begin at even places.
    at = begin + size + (size & 1);
  }
  return null;
}

function sized(
  format: PictureFrame["format"],
  width: number,
  height: number,
  { orientation = 1, exif, isOrdinary = true }: Partial<PictureFrame> = {},
): PictureFrame | null {
  return width > 0 && height > 0 ? { format, width, height, orientation, exif, isOrdinary } : null;
}
