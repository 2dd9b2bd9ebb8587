/** What the segments before a JPEG's first scan say of it. */
export interface JpegFrame {
  /** Pixels, before any turning by EXIF. */
  width: number;
  height: number;
  /** Channels: 1 grey, 3 colour, 4 CMYK. */
  components: number;
  /** Bits of a sample. */
  precision: number;
  /** Baseline, extended or progressive with Huffman codes: all that is found in practice. */
  isHuffman: boolean;
  hasExif: boolean;
  hasProfile: boolean;
}

/** Walks the segments (ITU-T T.81, B.1.1) up to the first scan; null where they are unusual or broken. */
export function jpegFrame(bytes: Buffer): JpegFrame | null {
  let at = 2;
  let frame: Omit<JpegFrame, "hasExif" | "hasProfile"> | null = null;
  let [hasExif, hasProfile] = [false, false];
  while (at + 10 <= bytes.length) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1]!;
    if (marker === 0xda) return frame === null ? null : { ...frame, hasExif, hasProfile };
    // Only segments that have a length may stand here.
    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9) || marker === 0xff) return null;
    // Frames are C0 to CF, but for the tables C4, C8 and CC.
    if (marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      if (width === 0 || height === 0) return null;
      const isHuffman = marker <= 0xc2;
      frame = { width, height, components: bytes[at + 9]!, precision: bytes[at + 4]!, isHuffman };
    }
    if (marker === 0xe1 && says(bytes, at + 4, "Exif")) hasExif = true;
    if (marker === 0xe2 && says(bytes, at + 4, "ICC_PROFILE")) hasProfile = true;
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

const says = (bytes: Buffer, at: number, word: string): boolean =>
  bytes.toString("latin1", at, at + word.length) === word;
