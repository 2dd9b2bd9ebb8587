import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Follows the bytes of a whole object and says at the end whether they are those that were stored. */
export interface WholeChecksum {
  update(chunk: Uint8Array): void;
  matches(): boolean;
}

/** A CRC-32 as S3 writes it: four bytes, big-endian, in base64. */
export function crc32Text(value: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.toString("base64");
}

/**
 * A follower of what the service says of the whole object; null where it says nothing that covers the whole (nothing, a
 * sum of parts' sums, "…-3", or a kind that Node can't compute).
 */
export function wholeChecksum(says: {
  ChecksumCRC32?: string | undefined;
  ChecksumSHA256?: string | undefined;
}): WholeChecksum | null {
  const { ChecksumCRC32: crc, ChecksumSHA256: sha256 } = says;
  if (crc !== undefined && !crc.includes("-")) {
    let value = 0;
    return { update: (chunk) => (value = crc32(chunk, value)), matches: () => crc32Text(value) === crc };
  }
  if (sha256 !== undefined && !sha256.includes("-")) {
    const hash = createHash("sha256");
    return { update: (chunk) => hash.update(chunk), matches: () => hash.digest("base64") === sha256 };
  }
  return null;
}
