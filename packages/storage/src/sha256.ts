import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";

/** OpenSSL takes less than 2 GiB at once. */
const maxUpdateBytes = 2 ** 30;

function update(hash: Hash, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += maxUpdateBytes)
    hash.update(bytes.subarray(at, at + maxUpdateBytes));
}

/** Hex SHA-256 of pieces one behind the other, each of any length. */
export function sha256OfParts(parts: Iterable<Uint8Array>): string {
  const hash = createHash("sha256");
  for (const part of parts) update(hash, part);
  return hash.digest("hex");
}

/** Hex SHA-256 of a file of any length, of which a megabyte at a time is in memory. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
