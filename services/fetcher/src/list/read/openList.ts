import { UserError } from "@pairloom/config";
import {
  type ColumnType,
  type FoundTable,
  jsonColumnType,
  noValue,
  openTable,
  type RowOptions,
  type Table,
  tableFiles,
  type TableRow,
  type ValueKind,
  widen,
} from "@pairloom/tables";
import type { ListSettings } from "../listSettings.js";
import { wantedColumns } from "./urlRow.js";

/** How much of a list was read: bytes of its files. */
export interface ListPosition {
  bytes: number;
  totalBytes: number;
}

/** A URL list that was looked through. */
export interface UrlList {
  files: readonly FoundTable[];
  /** Opens one of its files again, with the types that its wanted columns have. */
  open(file: FoundTable): Promise<{ table: Table; types: ColumnType[] }>;
}

/**
 * Looks a list through, so that what is wrong with it is told before anything is fetched: that its columns are there and can
 * be kept, that its rows are of its form, and what the columns of JSON lists hold, in all files together. Of a parquet file the
 * footer is read, every other file once from end to end; memory holds a piece.
 * @param checking is kept up to date @param onNote takes what the user should know
 * @throws UserError naming file and line
 */
export async function openList(
  settings: ListSettings,
  {
    checking,
    onNote,
    signal,
  }: { checking?: ListPosition; onNote?: (note: string) => void; signal?: AbortSignal },
): Promise<UrlList> {
  const { urlList, inputFormat, inputEnding, badRows } = settings;
  const files = await tableFiles(urlList, { format: inputFormat, ending: inputEnding }, signal);
  const options: RowOptions = {
    columns: wantedColumns(settings),
    delimiter: settings.delimiter,
    badRows,
    columnHint:
      "Name the columns with --url_col, --caption_col and --save_additional_columns, as the list spells them.",
  };
  if (checking !== undefined) checking.totalBytes = files.reduce((sum, { file }) => sum + file.bytes, 0);
  let kinds: ValueKind[] = options.columns.map(() => noValue);
  let before = 0;
  for (const { file, format } of files) {
    const table = await openTable(file, format, { ...options, onNote });
    if (table.types !== null) checkUrlType(table.types[0]!, settings.urlCol, file.name);
    const onBytes = (bytes: number) => checking !== undefined && (checking.bytes = before + bytes);
    let malformed = 0;
    let firstMalformed = 0;
    if (format !== "parquet") {
      for await (const rows of table.read(0, onBytes)) {
        signal?.throwIfAborted();
        for (const { line, values } of rows) {
          if (values === null) firstMalformed = malformed++ === 0 ? line : firstMalformed;
          else if (table.types === null) kinds = kinds.map((kind, at) => widen(kind, values[at]));
        }
      }
    }
    if (malformed > 0)
      onNote?.(
        `${file.name}: ${malformed} rows are not of the list's form, the first on line ${firstMalformed}`,
      );
    before += file.bytes;
    if (checking !== undefined) checking.bytes = before;
  }
  const jsonTypes = kinds.map(jsonColumnType);
  return {
    files,
    open: async ({ file, format }) => {
      const table = await openTable(file, format, options);
      if (table.types !== null) return { table, types: table.types };
      const read: Table["read"] = (from, onBytes) => stillFit(table.read(from, onBytes), kinds, file.name);
      return { table: { ...table, read }, types: jsonTypes };
    },
  };
}

/** Passes rows on while their values are what the list's were when it was looked through. @throws UserError */
async function* stillFit(
  batches: AsyncIterable<TableRow[]>,
  kinds: readonly ValueKind[],
  name: string,
): AsyncGenerator<TableRow[]> {
  for await (const rows of batches) {
    for (const { line, values } of rows)
      if (values?.some((value, at) => widen(kinds[at]!, value) !== kinds[at]) === true)
        throw new UserError("table_changed", `${name} was changed while it was fetched (line ${line})`, {
          hint: "Run the same command again: finished shards stay.",
        });
    yield rows;
  }
}

function checkUrlType({ elements }: ColumnType, column: string, name: string): void {
  if (elements.length === 1) return;
  throw new UserError("table_type", `The column "${column}" of ${name} holds lists or structs, not URLs`, {
    hint: "Write the URLs into a column of their own and name it with --url_col.",
  });
}
