import * as zlib from "node:zlib";
import type { CompressionCodec, Compressors } from "hyparquet";

const nativeZstd = (zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdDecompressSync;

/** Codecs that `codecsFor` has; LZO is the one that is left, and nobody writes it. */
const known: readonly CompressionCodec[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "BROTLI",
  "ZSTD",
  "LZ4",
  "LZ4_RAW",
];

export const isKnownCodec = (codec: CompressionCodec): boolean => known.includes(codec);

/** What undoes the pages' compression: of Node's zlib what it has, the rest (ZSTD before Node 22.15, LZ4) in JavaScript. */
export async function codecsFor(used: ReadonlySet<CompressionCodec>): Promise<Compressors> {
  const limited = (length: number) => ({ maxOutputLength: Math.max(1, length) });
  const codecs: Compressors = {
    GZIP: (input, length) => zlib.gunzipSync(input, limited(length)),
    BROTLI: (input, length) => zlib.brotliDecompressSync(input, limited(length)),
  };
  if (nativeZstd !== undefined) codecs.ZSTD = (input) => nativeZstd(input);
  const needsMore = used.has("LZ4") || used.has("LZ4_RAW") || (used.has("ZSTD") && nativeZstd === undefined);
  if (!needsMore) return codecs;
  const { decompressLz4, decompressLz4Raw, decompressZstd } = await import("hyparquet-compressors");
  return { ZSTD: (input) => decompressZstd(input), ...codecs, LZ4: decompressLz4, LZ4_RAW: decompressLz4Raw };
}
