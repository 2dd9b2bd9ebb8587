import { UserError } from "@pairloom/config";
import {
  asyncBufferFromFile,
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";

/** Rows that are read at a time. */
const batchRows = 50_000;

/** A parquet file of anyone's, of which a few columns are read. */
export interface ParquetColumns {
  rows: number;
  /** Names of all columns. */
  names: string[];
  /** Values of these columns from the first row on, in batches: for each column one list. */
  read(columns: readonly string[]): AsyncGenerator<unknown[][], void>;
}

/** Opens a parquet file by its footer. @throws UserError where it is none */
export async function openParquetColumns(path: string): Promise<ParquetColumns> {
  let file: AsyncBuffer;
  let metadata: FileMetaData;
  try {
    file = await asyncBufferFromFile(path);
    metadata = await parquetMetadataAsync(file);
  } catch (cause) {
    throw new UserError("parquet_unreadable", `${path} can't be read: ${(cause as Error).message}`, {
      cause,
    });
  }
  const rows = Number(metadata.num_rows);
  return {
    rows,
    names: parquetSchema(metadata).children.map(({ element }) => element.name),
    async *read(columns) {
      for (let rowStart = 0; rowStart < rows; rowStart += batchRows) {
        const rowEnd = Math.min(rows, rowStart + batchRows);
        const objects = await parquetReadObjects({ file, metadata, columns: [...columns], rowStart, rowEnd });
        yield columns.map((name) => objects.map((object) => object[name] as unknown));
      }
    },
  };
}
