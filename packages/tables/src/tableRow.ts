import { UserError } from "@pairloom/config/errors";

/** What is done about a row that isn't of the table's form: the reading ends, or the row is kept without values. */
export const badRowChoices = ["error", "keep"] as const;
export type BadRows = (typeof badRowChoices)[number];

/** One row of a table. */
export interface TableRow {
  /** Where it stands, from 1 on: its line in a text, its number in a parquet file. */
  line: number;
  /** One for each wanted column; null where the row isn't of the table's form. */
  values: unknown[] | null;
}

export interface RowOptions {
  /** The wanted columns, in the order of the values. */
  columns: readonly string[];
  /** What separates the columns of a csv or tsv; null: by its format, or else by its first line. */
  delimiter?: string | null | undefined;
  /** By default "error"; undefined where the user can't choose. */
  badRows?: BadRows | undefined;
  /** Says to the user how columns are named. */
  columnHint: string;
  /** Takes what the user should know. */
  onNote?: ((note: string) => void) | undefined;
}

const shown = (names: readonly string[]): string => {
  const some = names.slice(0, 40).map((name) => JSON.stringify(name.slice(0, 60)));
  return some.join(", ") + (names.length > some.length ? ", …" : "");
};

/** A wanted column is not there. */
export const columnMissing = (table: string, column: string, there: readonly string[], hint: string) =>
  new UserError("column_missing", `${table} has no column "${column}"; it has ${shown(there) || "none"}`, {
    hint,
  });

/** A wanted column is there more than once. */
export const columnTwice = (table: string, column: string) =>
  new UserError("table_column_twice", `${table} has more than one column "${column}"`, {
    hint: "Rename one of them: which is meant can't be told.",
  });

/** A row is not of the table's form. */
export const badRow = (what: string, { badRows }: Pick<RowOptions, "badRows">) =>
  new UserError("table_row", what, {
    hint:
      "Put values that have the delimiter in them in quotes" +
      (badRows === undefined ? "." : ", or keep such rows as failed ones with --on-bad-rows keep."),
  });
