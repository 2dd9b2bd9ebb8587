import { UserError } from "@pairloom/config/errors";
import {
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from "hyparquet";
import type { TableFile } from "../tableFile.js";
import { columnMissing, columnTwice } from "../tableRow.js";
import { codecsFor } from "./codecs.js";
import type { ColumnType } from "./columnType.js";
import { KeptSlices } from "./keptSlices.js";
import { annotated, bareSchema, parquetColumnType } from "./parquetColumnType.js";

/** An opened parquet file, of which some columns are read. */
export interface ParquetTable {
  rows: number;
  /** Names of all columns. */
  names: string[];
  /** The columns that are read, in the order of the values. */
  columns: string[];
  /** What each of them holds. */
  types: ColumnType[];
  /** Values of these columns from a row on, some thousand rows at a time, as `types` take them. */
  read: (from?: number) => AsyncGenerator<unknown[][]>;
}

const unreadable = (name: string, what: string, cause: unknown) =>
  new UserError("parquet_unreadable", `${name} ${what}: ${(cause as Error).message}`, {
    hint: "Is it whole, and a parquet file? Fetch or write it again.",
    cause,
  });

/**
 * Opens a parquet file by its footer; everything that can't be read or kept is refused here, before a page is read.
 * @param columns those that are wanted, in this order, or all @param batchRows rows that are read at a time
 * @throws UserError "parquet_unreadable", "column_missing", "table_column_twice", "table_type"
 */
export async function openParquetTable(
  file: TableFile,
  columns: readonly string[] | "all",
  { columnHint = "", batchRows = 20_000 }: { columnHint?: string; batchRows?: number } = {},
): Promise<ParquetTable> {
  const slices = new KeptSlices(file);
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(slices);
  } catch (cause) {
    throw unreadable(file.name, "can't be read as parquet", cause);
  }
  const there = parquetSchema({ ...metadata, schema: annotated(metadata.schema) }).children;
  const names = there.map(({ element }) => element.name);
  const wanted = columns === "all" ? names : [...columns];
  const types = wanted.map((name) =>
    parquetColumnType(columnOf(there, name, file.name, columnHint), file.name),
  );
  const compressors = await codecsFor(metadata, wanted, file.name);
  const bare: FileMetaData = { ...metadata, schema: bareSchema(metadata.schema) };
  const rows = Number(metadata.num_rows);
  return {
    rows,
    names,
    columns: wanted,
    types,
    async *read(from = 0) {
      for (let rowStart = from; rowStart < rows; rowStart += batchRows) {
        const rowEnd = Math.min(rows, rowStart + batchRows);
        slices.nextBatch();
        const objects = await readRows(file.name, {
          file: slices,
          metadata: bare,
          columns: [...new Set(wanted)],
          rowStart,
          rowEnd,
          compressors,
        });
        yield objects.map((object) => wanted.map((name) => object[name] ?? null));
      }
    },
  };
}

function columnOf(there: SchemaTree[], name: string, table: string, hint: string): SchemaTree {
  const [column, second] = there.filter(({ element }) => element.name === name);
  if (second !== undefined) throw columnTwice(table, name);
  if (column !== undefined) return column;
  throw columnMissing(
    table,
    name,
    there.map(({ element }) => element.name),
    hint,
  );
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

async function readRows(
  table: string,
  options: Omit<Parameters<typeof parquetReadObjects>[0], "parsers" | "utf8">,
): Promise<Record<string, unknown>[]> {
  try {
    return await parquetReadObjects({
      ...options,
      // Bytes stay bytes: a text column says that it is one.
      utf8: false,
      parsers: {
        stringFromBytes: (bytes: Uint8Array | undefined) => bytes && utf8.decode(bytes),
        // The only time that comes with its leaf's annotation gone: INT96.
        timestampFromNanoseconds: (nanos: bigint | undefined) => nanos,
      },
    });
  } catch (cause) {
    if (cause instanceof UserError || (cause as { code?: unknown }).code !== undefined) throw cause;
    throw unreadable(table, "has pages that can't be read", cause);
  }
}
