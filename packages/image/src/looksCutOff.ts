import type { RasterFormat } from "./sniffFormat.js";

/**
 * Whether a file that could not be decoded lacks its end, by the structure of its format alone: tells
 * `decode_truncated` from `decode_failed`.
 */
export function looksCutOff(bytes: Buffer, format: RasterFormat): boolean {
  switch (format) {
    case "jpeg":
      // trailing zeros and data after the end marker are common, so look for the marker anywhere
      return bytes.lastIndexOf("\xff\xd9", undefined, "latin1") < 0;
    case "png":
      return bytes.lastIndexOf("IEND", undefined, "latin1") < 0;
    case "webp":
      return bytes.length < 12 || bytes.length < bytes.readUInt32LE(4) + 8;
    case "gif":
      return bytes.lastIndexOf(0x3b) < bytes.length - 8;
    case "avif":
      return isoBoxesCutOff(bytes);
    case "tiff":
      return false;
  }
}

/** True where an ISO base media box says it is longer than what is left of the file. */
function isoBoxesCutOff(bytes: Buffer): boolean {
  let at = 0;
  while (at + 8 <= bytes.length) {
    const size = bytes.readUInt32BE(at);
    if (size === 0) return false;
    const length = size === 1 && at + 16 <= bytes.length ? Number(bytes.readBigUInt64BE(at + 8)) : size;
    if (length < 8) return false;
    at += length;
  }
  return at !== bytes.length;
}
