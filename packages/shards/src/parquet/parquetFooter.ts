import { Buffer } from "node:buffer";
import type { Store } from "@pairloom/storage";
import { parquetMetadata } from "hyparquet";

/** A footer is read at once where it isn't longer; of a table of ours it has some 3 kB. */
const guessBytes = 1 << 16;
const tailBytes = 8;
/** Longer ones are none of a shard's table. */
const maxBytes = 1 << 26;

async function bytesOf(store: Store, name: string, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await store.read(name, { start, end })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * The key-value metadata of anyone's parquet file, of which no more than the footer is read; null where it has none that
 * can be read. Of ours it says nothing about the pages: `tableMetadata` does.
 * @param bytes of the file
 * @throws BlobNotFoundError
 */
export async function footerMetadata(
  store: Store,
  name: string,
  bytes: number,
): Promise<Record<string, string> | null> {
  if (bytes < tailBytes) return null;
  let tail = await bytesOf(store, name, Math.max(0, bytes - guessBytes), bytes);
  const wanted = tail.readUInt32LE(tail.length - tailBytes) + tailBytes;
  if (wanted > Math.min(bytes, maxBytes)) return null;
  if (wanted > tail.length) tail = await bytesOf(store, name, bytes - wanted, bytes);
  try {
    const { key_value_metadata: pairs } = parquetMetadata(tail);
    return Object.fromEntries((pairs ?? []).map(({ key, value }) => [key, value ?? ""]));
  } catch {
    return null;
  }
}
