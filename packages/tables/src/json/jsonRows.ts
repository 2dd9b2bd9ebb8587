import { UserError } from "@pairloom/config/errors";
import { isObject } from "@pairloom/config/isObject";
import { columnMissing, type RowOptions, type TableRow } from "../tableRow.js";
import { jsonValues } from "./jsonValues.js";

/**
 * Rows of a JSON array of objects, or of objects that follow each other; a key that an object lacks is null.
 * @throws UserError "table_json", "column_missing" where no object has a wanted key
 */
export async function* jsonRows(
  pieces: AsyncIterable<string>,
  name: string,
  { columns, badRows, columnHint }: RowOptions,
): AsyncGenerator<TableRow[]> {
  const unseen = new Set(columns);
  let first: Record<string, unknown> | null = null;
  for await (const values of jsonValues(pieces, name)) {
    const rows: TableRow[] = [];
    for (const { line, value, problem } of values) {
      if (problem === null && isObject(value)) {
        if (first === null) checkFirst((first = value), columns[0]!, name, columnHint);
        for (const column of unseen) if (Object.hasOwn(value, column)) unseen.delete(column);
        rows.push({
          line,
          values: columns.map((column) => (Object.hasOwn(value, column) ? (value[column] ?? null) : null)),
        });
      } else if (badRows !== "keep") throw problem ?? noObject(line, value, name);
      else rows.push({ line, values: null });
    }
    yield rows;
  }
  for (const column of unseen)
    if (first !== null) throw columnMissing(name, column, Object.keys(first), columnHint);
}

const noObject = (line: number, value: unknown, name: string) =>
  new UserError(
    "table_json",
    `Line ${line} of ${name} holds ${JSON.stringify(typeof value === "bigint" ? Number(value) : value).slice(0, 40)} where an object should be`,
    { hint: "A JSON table is an array of objects, or one object a line." },
  );

/** Told at the first object, since a table that is written by columns is one object of any size. */
function checkFirst(row: Record<string, unknown>, column: string, name: string, columnHint: string): void {
  const isByColumns = Object.values(row).every((value) => isObject(value) && Object.hasOwn(value, "0"));
  const hint = isByColumns
    ? "Write it as an array of objects, one a row (pandas: to_json(orient='records'))."
    : columnHint;
  if (isByColumns && Object.hasOwn(row, column))
    throw new UserError("table_json", `${name} is written by columns, not by rows`, { hint });
  if (!Object.hasOwn(row, column)) throw columnMissing(name, column, Object.keys(row), hint);
}
