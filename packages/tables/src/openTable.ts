import type { TableFile } from "./tableFile.js";
import type { TableFormat } from "./tableFormat.js";
import type { RowOptions, TableRow } from "./tableRow.js";
import { delimitedRows } from "./delimited/delimitedRows.js";
import { jsonRows } from "./json/jsonRows.js";
import { type ColumnType, textColumn } from "./parquet/columnType.js";
import { openParquetTable } from "./parquet/parquetTable.js";
import { textLines } from "./text/textLines.js";
import { textPieces } from "./text/textPieces.js";

/** A table of which the wanted columns are read. */
export interface Table {
  /** How many rows there are, where the file says so. */
  rows: number | null;
  /** What the wanted columns hold; null for JSON, where only all values together say it. */
  types: ColumnType[] | null;
  /**
   * The rows from one on, many at a time; bounded memory, however long the table.
   * @param from 0 where `rows` is null
   * @param onBytes bytes of the file read so far, or as many as are the rows' share of it
   * @throws UserError naming file and line where the table isn't of its form
   */
  read: (from?: number, onBytes?: (bytes: number) => void) => AsyncGenerator<TableRow[]>;
}

/**
 * Opens a table for some of its columns. A txt has one value a line: the first column's; the others are empty.
 * @throws UserError where its footer, of parquet, says that it can't be read
 */
export async function openTable(file: TableFile, format: TableFormat, options: RowOptions): Promise<Table> {
  const { name } = file;
  const texts = options.columns.map(() => textColumn);
  const text = (
    types: ColumnType[] | null,
    read: (pieces: AsyncGenerator<string>) => AsyncGenerator<TableRow[]>,
  ): Table => ({ rows: null, types, read: (_, onBytes) => read(textPieces(file, onBytes)) });
  switch (format) {
    case "csv":
      return text(texts, (pieces) => delimitedRows(pieces, name, ",", options));
    case "tsv":
      return text(texts, (pieces) => delimitedRows(pieces, name, "\t", options));
    case "txt":
      return text(texts, (pieces) => lineRows(pieces, name, options.columns.length));
    case "json":
    case "jsonl":
      return text(null, (pieces) => jsonRows(pieces, name, options));
    case "parquet":
      return parquetRows(file, options);
  }
}

async function* lineRows(
  pieces: AsyncIterable<string>,
  name: string,
  columns: number,
): AsyncGenerator<TableRow[]> {
  const empty = new Array<null>(columns - 1).fill(null);
  for await (const lines of textLines(pieces, name)) {
    const rows = lines.map(({ line, text }) => ({ line, values: [text.trim(), ...empty] }));
    yield rows.filter(({ values }) => values[0] !== "");
  }
}

async function parquetRows(file: TableFile, { columns, columnHint }: RowOptions): Promise<Table> {
  const table = await openParquetTable(file, columns, { columnHint });
  return {
    rows: table.rows,
    types: table.types,
    async *read(from = 0, onBytes) {
      let row = from;
      for await (const batch of table.read(from)) {
        const rows = batch.map((values, at) => ({ line: row + at + 1, values }));
        row += batch.length;
        onBytes?.(Math.round((row / table.rows) * file.bytes));
        yield rows;
      }
    },
  };
}
