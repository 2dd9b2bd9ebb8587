import { badRow, columnMissing, columnTwice, type RowOptions, type TableRow } from "../tableRow.js";
import { delimitedRecords } from "./delimitedRecords.js";
import { findDelimiter, otherDelimiter } from "./delimiter.js";

/**
 * Rows of a delimited text whose first record names the columns; their values are texts, null where they are empty. A record
 * with another number of fields than the first is never guessed at.
 * @param usual what separates the columns of this format
 * @throws UserError "column_missing", "table_column_twice", "table_row", and as `DelimitedParser.push` does
 */
export async function* delimitedRows(
  pieces: AsyncIterable<string>,
  name: string,
  usual: string,
  { columns, delimiter, badRows, columnHint, onNote }: RowOptions,
): AsyncGenerator<TableRow[]> {
  let firstLine = "";
  let used = delimiter ?? usual;
  const choose = (line: string): string => {
    firstLine = line;
    if (delimiter !== null && delimiter !== undefined) return delimiter;
    const isHeader = (names: readonly string[]) => columns.every((column) => names.includes(column.trim()));
    const found = findDelimiter(line, usual, isHeader, name);
    if (found.note !== null) onNote?.(found.note);
    return (used = found.delimiter);
  };
  let header: string[] | null = null;
  let places: number[] = [];
  for await (const records of delimitedRecords(pieces, name, choose)) {
    const rows: TableRow[] = [];
    for (const { line, fields } of records) {
      if (header === null) {
        header = fields;
        const other = delimiter == null ? otherDelimiter(firstLine, used) : null;
        const hint = other === null ? columnHint : `${other} ${columnHint}`;
        places = columns.map((column) => placeOf(column, fields, name, hint));
      } else if (fields.length === header.length) {
        rows.push({ line, values: places.map((at) => (fields[at] === "" ? null : fields[at])) });
      } else {
        const what = `Line ${line} of ${name} has ${fields.length} fields, but its header has ${header.length}`;
        if (badRows !== "keep") throw badRow(what, { badRows });
        rows.push({ line, values: null });
      }
    }
    if (rows.length > 0) yield rows;
  }
  if (header === null) for (const column of columns) placeOf(column, [], name, columnHint);
}

/** Names are compared as they stand, or else without the space around them. */
function placeOf(column: string, header: readonly string[], name: string, hint: string): number {
  const bare = header.map((one) => one.trim());
  for (const [names, wanted] of [
    [header, column],
    [bare, column.trim()],
  ] as const) {
    const at = names.indexOf(wanted);
    if (at < 0) continue;
    if (names.includes(wanted, at + 1)) throw columnTwice(name, column);
    return at;
  }
  throw columnMissing(name, column, header, hint);
}
