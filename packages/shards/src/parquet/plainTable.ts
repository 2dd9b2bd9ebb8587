import { codecsFor } from "@pairloom/tables";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";

/** Larger ones hold more than a table of names: they are not read whole. */
const maxBytes = 2 ** 30;

/**
 * Some columns of a parquet file that another program wrote; `says` tells why it can't be read. (It has no seal:
 * damage that leaves the file readable goes unseen.)
 */
export async function readPlainTable<Name extends string>(
  bytes: Uint8Array,
  columns: readonly Name[],
): Promise<{ rows: Record<Name, unknown>[] } | { says: string }> {
  if (bytes.byteLength > maxBytes) return { says: `it has ${bytes.byteLength} bytes, ${maxBytes} at most` };
  const { buffer, byteOffset, byteLength } = bytes;
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  try {
    const metadata = await parquetMetadataAsync(file);
    const names = new Set(metadata.schema.map(({ name }) => name));
    const lacking = columns.filter((name) => !names.has(name));
    if (lacking.length > 0) return { says: `it has no column ${lacking.join(", ")}` };
    const compressors = await codecsFor(metadata, columns, "it");
    const rows = await parquetReadObjects({ file, metadata, columns: [...columns], compressors });
    return { rows: rows as Record<Name, unknown>[] };
  } catch (error) {
    return { says: `it can't be read as parquet: ${(error as Error).message.slice(0, 200)}` };
  }
}
