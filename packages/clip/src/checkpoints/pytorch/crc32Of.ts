import { crc32 } from "node:zlib";

/** The CRC-32 of bytes of any length: zlib counts them in 32 bits. */
export function crc32Of(bytes: Uint8Array, atOnce = 2 ** 30): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += atOnce) sum = crc32(bytes.subarray(at, at + atOnce), sum);
  return sum;
}
