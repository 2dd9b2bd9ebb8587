import { isSrgbProfile } from "../profiles/isSrgbProfile.js";
import { exifOrientation } from "./exifOrientation.js";
import type { PictureFrame } from "./pictureFrame.js";

/** Walks a JPEG's segments (ITU-T T.81, B.1.1) up to the first scan; null where they are unusual or broken. */
export function jpegFrame(bytes: Buffer): PictureFrame | null {
  let at = 2;
  let frame: { width: number; height: number; components: number; isCommon: boolean } | null = null;
  let [exif, profile]: (Buffer | undefined)[] = [];
  let profiles = 0;
  while (at + 10 <= bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    if (marker === 0xda) {
      if (frame === null) return null;
      const { width, height, components, isCommon } = frame;
      const orientation = exif === undefined ? 1 : exifOrientation(exif);
      if (orientation === null) exif = undefined;
      const isSrgb = profile !== undefined && profiles === 1 && components === 3 && isWholeSrgb(profile);
      const isOrdinary = isCommon && (profiles === 0 || isSrgb);
      return { format: "jpeg", width, height, orientation, exif, isOrdinary };
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
      frame = { width, height, components, isCommon };
    }
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (marker === 0xe1 && says(bytes, at + 4, "Exif")) exif ??= bytes.subarray(at + 4, end);
    if (marker === 0xe2 && says(bytes, at + 4, "ICC_PROFILE")) {
      profile = bytes.subarray(at + 4, end);
      profiles++;
    }
    at = end;
  }
  return null;
}

/** Whether a segment is the first of one (ICC.1:2022, B.4) and holds sRGB's profile. */
const isWholeSrgb = (segment: Buffer): boolean =>
  says(segment, 0, "ICC_PROFILE\0\x01\x01") && isSrgbProfile(segment.subarray(14));

const says = (bytes: Buffer, at: number, word: string): boolean =>
  bytes.toString("latin1", at, at + word.length) === word;
