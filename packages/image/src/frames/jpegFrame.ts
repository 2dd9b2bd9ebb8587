import type { PictureFrame } from "./pictureFrame.js";

/** Walks a JPEG's segments (ITU-T T.81, B.1.1) up to the first scan; null where they are unusual or broken. */
export function jpegFrame(bytes: Buffer): PictureFrame | null {
  let at = 2;
  let frame: { width: number; height: number; isCommon: boolean } | null = null;
  let [hasExif, hasProfile] = [false, false];
  while (at + 10 <= bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    if (marker === 0xda) {
      if (frame === null) return null;
      const { width, height, isCommon } = frame;
      return { format: "jpeg", width, height, hasExif, isOrdinary: isCommon && !hasProfile };
    }
    // Only segments that have a length may stand here.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9) || marker === 0xff) return null;
    // Frames are C0 to CF, but for the tables C4, C8 and CC.
    if (marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      if (width === 0 || height === 0) return null;
      // Baseline, extended or progressive with Huffman codes, grey or colour (four channels are CMYK).
      const [precision, components] = [bytes[at + 4]!, bytes[at + 9]!];
      const isCommon = marker <= 0xc2 && precision === 8 && (components === 1 || components === 3);
      frame = { width, height, isCommon };
    }
    if (marker === 0xe1 && says(bytes, at + 4, "Exif")) hasExif = true;
    if (marker === 0xe2 && says(bytes, at + 4, "ICC_PROFILE")) hasProfile = true;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

const says = (bytes: Buffer, at: number, word: string): boolean =>
  bytes.toString("latin1", at, at + word.length) === word;
