import { UserError } from "@pairloom/config/errors";
import {
  asyncBufferFromFile,
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";

/** A parquet file of anyone's, of which a few columns are read. */
export interface ParquetColumns {
  rows: number;
  /** Names of all columns. */
  names: string[];
  /** Values of these columns from the first row on, a row group at a time: for each column one list. */
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
      let rowEnd = 0;
      for (const group of metadata.row_groups) {
        const rowStart = rowEnd;
        rowEnd += Number(group.num_rows);
        const objects = await parquetReadObjects({ file, metadata, columns: [...columns], rowStart, rowEnd });
        yield columns.map((name) => objects.map((object) => object[name] as unknown));
      }
    },
  };
}
