import * as zlib from "node:zlib";
import { UserError } from "@pairloom/config/errors";
import type { CompressionCodec, Compressors, FileMetaData } from "hyparquet";

const nativeZstd = (zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdDecompressSync;

/** All but LZO, which nobody writes. */
const known: readonly CompressionCodec[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "BROTLI",
  "ZSTD",
  "LZ4",
  "LZ4_RAW",
];

/**
 * What undoes the compression of some columns of a file: of Node's zlib what it has, the rest (ZSTD before Node 22.15, LZ4)
 * in JavaScript. @throws UserError "parquet_unreadable" where nothing does
 */
export async function codecsFor(
  { row_groups: groups }: FileMetaData,
  columns: readonly string[],
  table: string,
): Promise<Compressors> {
  const names = new Set(columns);
  const used = new Set<CompressionCodec>();
  for (const group of groups)
    for (const { meta_data: chunk } of group.columns)
      if (chunk !== undefined && names.has(chunk.path_in_schema[0] ?? "")) used.add(chunk.codec);
  const unknown = [...used].find((codec) => !known.includes(codec));
  if (unknown !== undefined)
    throw new UserError("parquet_unreadable", `${table} is compressed by ${unknown}, which can't be read`, {
      hint: "Write it with another compression: snappy, zstd, gzip, brotli or lz4.",
    });
  const limited = (length: number) => ({ maxOutputLength: Math.max(1, length) });
  const codecs: Compressors = {
    GZIP: (input, length) => zlib.gunzipSync(input, limited(length)),
    BROTLI: (input, length) => zlib.brotliDecompressSync(input, limited(length)),
  };
  if (nativeZstd !== undefined) codecs.ZSTD = (input) => nativeZstd(input);
  const needsMore = used.has("LZ4") || used.has("LZ4_RAW") || (used.has("ZSTD") && nativeZstd === undefined);
  if (!needsMore) return codecs;
  const { decompressLz4, decompressLz4Raw, decompressZstd } = await import("hyparquet-compressors");
  return {
    ZSTD: (input) => decompressZstd(input),
    ...codecs,
    LZ4: unlessEmpty(decompressLz4),
    LZ4_RAW: unlessEmpty(decompressLz4Raw),
  };
}

/** hyparquet-compressors 1.1.2 takes a block of nothing for a damaged one. */
const unlessEmpty =
  (decompress: (input: Uint8Array, length: number) => Uint8Array) =>
  (input: Uint8Array, length: number): Uint8Array =>
    length === 0 ? new Uint8Array(0) : decompress(input, length);
