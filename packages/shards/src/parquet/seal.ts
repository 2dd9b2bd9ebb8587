import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";

/*
 * Parquet has no checksum that every writer sets, and a reader that meets a flipped bit may take wrong values for
 * right ones or never end. So 16 bytes stand between a file's last page and its footer, where no reader looks: a
 * word, the CRC-32 of all before it, and the CRC-32 of the footer with its length and the closing PAR1.
 */
const word = Buffer.from("pairloom");
const sealBytes = word.length + 8;
const tailBytes = 8;
const magic = "PAR1";

/** Where the footer begins; -1 where the bytes can't be a parquet file. */
function footerStart(file: Buffer): number {
  if (file.length < 2 * magic.length + 4 || file.toString("latin1", file.length - 4) !== magic) return -1;
  return Math.max(-1, file.length - tailBytes - file.readUInt32LE(file.length - tailBytes));
}

/** The file with its seal put in; offsets in the footer stay right, since only the footer moves. */
export function sealParquet(file: Buffer): Buffer {
  const start = footerStart(file);
  const [pages, footer] = [file.subarray(0, start), file.subarray(start)];
  const sums = Buffer.alloc(8);
  sums.writeUInt32LE(crc32(pages), 0);
  sums.writeUInt32LE(crc32(footer), 4);
  return Buffer.concat([pages, word, sums, footer]);
}

/** What is wrong with a sealed file, or null where every byte is as it was written. */
export function brokenSeal(bytes: Uint8Array): string | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = footerStart(file);
  if (start < sealBytes) return "it is no whole parquet file";
  const seal = file.subarray(start - sealBytes, start);
  if (!seal.subarray(0, word.length).equals(word))
    return "it is no table of pairloom's, or its footer is damaged";
  if (crc32(file.subarray(start)) !== seal.readUInt32LE(word.length + 4)) return "its footer is damaged";
  if (crc32(file.subarray(0, start - sealBytes)) !== seal.readUInt32LE(word.length))
    return "its pages are damaged";
  return null;
}
