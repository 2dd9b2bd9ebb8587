import { UserError } from "@pairloom/config";

/** Longest record with line breaks in it that is waited for: an open quote would swallow the list otherwise. */
const maxRecordCharacters = 1 << 20;

/**
 * Values of the wanted columns of a csv or tsv list (RFC 4180), many rows at a time. The first record names the columns.
 * @throws UserError where a column is missing or a quote is never closed
 */
export async function* delimitedRows(
  lines: AsyncIterable<string[]>,
  delimiter: "," | "\t",
  wanted: readonly string[],
  name: string,
): AsyncGenerator<unknown[][]> {
  let places: number[] | null = null;
  let open = "";
  let lineNumber = 0;
  for await (const batch of lines) {
    const rows: unknown[][] = [];
    for (const line of batch) {
      lineNumber++;
      const record = open === "" ? line : `${open}\n${line}`;
      if (record === "") continue;
      const fields = fieldsOf(record, delimiter);
      if (fields === null) {
        if (record.length > maxRecordCharacters) throw unclosed(name, lineNumber);
        open = record;
        continue;
      }
      open = "";
      if (places === null) places = placesOf(fields, wanted, name);
      else rows.push(places.map((at) => (fields[at] === undefined || fields[at] === "" ? null : fields[at])));
    }
    if (rows.length > 0) yield rows;
  }
  if (open !== "") throw unclosed(name, lineNumber);
}

function placesOf(header: string[], wanted: readonly string[], name: string): number[] {
  return wanted.map((column) => {
    const at = header.indexOf(column);
    if (at >= 0) return at;
    const columns = header.map((found) => JSON.stringify(found.slice(0, 40))).join(", ");
    throw new UserError("url_list_column", `${name} has no column "${column}"; it has ${columns}`, {
      hint: "Name the columns with --url_col and --caption_col, as the list's first line spells them.",
    });
  });
}

const unclosed = (name: string, line: number) =>
  new UserError("url_list_quote", `A quote is not closed in ${name}, at or before line ${line}`, {
    hint: "Double the quotes that belong to a value, or put the value in quotes.",
  });

/** The fields of a record; null where a quoted one is not closed yet. What stands after a closing quote belongs to it. */
export function fieldsOf(record: string, delimiter: string): string[] | null {
  if (!record.includes('"')) return record.split(delimiter);
  const fields: string[] = [];
  for (let at = 0; ;) {
    let field = "";
    if (record[at] === '"') {
      at++;
      for (;;) {
        const quote = record.indexOf('"', at);
        if (quote < 0) return null;
        field += record.slice(at, quote);
        at = quote + 1;
        if (record[at] !== '"') break;
        field += '"';
        at++;
      }
    }
    const end = record.indexOf(delimiter, at);
    fields.push(field + (end < 0 ? record.slice(at) : record.slice(at, end)));
    if (end < 0) return fields;
    at = end + 1;
  }
}
