import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { byCodePoint } from "@pairloom/storage";
import { type BadRows, jsonText, localTable, openTable, tableFormatOf } from "@pairloom/tables";
import type { CaptionedPicture, CaptionedSet, LabelledPicture, LabelledSet } from "./evaluationSet.js";
import { columnLabels, type LabelKind } from "./labelNumber.js";
import { LeftOut } from "./leftOut.js";

/** Names of a table's columns. */
export interface TableColumns {
  /** The picture's file, from the table's folder on. */
  path: string;
  label: string;
  caption: string;
}

export const defaultColumns: TableColumns = { path: "path", label: "label", caption: "caption" };

/** How a table is read. */
export interface TableOptions {
  /** What separates its columns; by default found. */
  delimiter?: string | undefined;
  /** What is done about rows that aren't of the table's form: the reading ends, or they are left out, counted. */
  badRows?: BadRows | undefined;
  /** Takes what the user should know. */
  onNote?: ((note: string) => void) | undefined;
}

/**
 * A table of pictures (csv, tsv, txt with columns, JSON, parquet) and their classes: names, or numbers from 0 on.
 *
 * @param names by number; by default the names that occur, in order
 * @throws UserError "label_unknown", "label_out_of_range", and those of `@pairloom/tables`
 */
export async function labelledTable(
  path: string,
  columns: TableColumns,
  names: string[] | null,
  options: TableOptions & { labelKind?: LabelKind | undefined } = {},
): Promise<LabelledSet> {
  const leftOut = new LeftOut();
  const rows = await readRows(path, columns, "label", options, leftOut);
  const found = [...new Set(rows.map(({ value }) => value.trim()))];
  const areNumbers = found.every((label) => /^\d+$/.test(label));
  const classes = names ?? (areNumbers ? null : found.sort(byCodePoint));
  const { numbers, note } = columnLabels(
    rows.map(({ value, row }) => ({ text: value, place: `row ${row} of ${path}` })),
    classes,
    options.labelKind,
  );
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for (const [i, { file }] of rows.entries()) {
      const image = await readPicture(file, leftOut);
      if (image !== null) yield { image, label: numbers[i]!, from: file };
    }
  }
  return { classes, templates: null, notes: note === null ? [] : [note], pictures: pictures(), leftOut };
}

/** A table of pictures and captions; rows of one picture are its captions. @throws UserError as above */
export async function captionedTable(
  path: string,
  columns: TableColumns,
  options: TableOptions = {},
): Promise<CaptionedSet> {
  const leftOut = new LeftOut();
  const captions = new Map<string, string[]>();
  for (const { file, value, row } of await readRows(path, columns, "caption", options, leftOut)) {
    if (value.trim() === "") {
      leftOut.add("an empty caption", `row ${row}`);
      continue;
    }
    const own = captions.get(file) ?? [];
    captions.set(file, own);
    own.push(value);
  }
  async function* pictures(): AsyncGenerator<CaptionedPicture> {
    for (const [file, own] of captions) {
      const image = await readPicture(file, leftOut);
      if (image !== null) yield { image, captions: own, from: file };
    }
  }
  return { pictures: pictures(), leftOut };
}

async function readPicture(file: string, leftOut: LeftOut): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch {
    leftOut.add("a picture's file can't be read", file);
    return null;
  }
}

interface Row {
  /** Line of the table, the header's being 1; of a parquet the row. */
  row: number;
  file: string;
  value: string;
}

async function readRows(
  path: string,
  columns: TableColumns,
  kind: "label" | "caption",
  { delimiter, badRows = "error", onNote }: TableOptions,
  leftOut: LeftOut,
): Promise<Row[]> {
  const format = tableFormatOf(path) ?? "csv";
  // Nobody keeps pictures' paths with nothing beside them: a txt is a table as a csv is.
  const table = await openTable(await localTable(path), format === "txt" ? "csv" : format, {
    columns: [columns.path, columns[kind]],
    delimiter,
    badRows,
    columnHint: `Name the columns with --path-column and --${kind}-column.`,
    onNote,
  });
  const textOf = (value: unknown, at: number): string => {
    const plain = table.types === null ? value : table.types[at]!.toJson(value);
    if (plain === null || plain === undefined) return "";
    return (typeof plain === "string" ? plain : jsonText(plain)).trim();
  };
  const rows: Row[] = [];
  for await (const batch of table.read())
    for (const { line: row, values } of batch) {
      if (values === null) {
        leftOut.add("a row that is not of the table's form", `row ${row}`);
        continue;
      }
      const [file = "", value = ""] = values.map(textOf);
      if (file === "") leftOut.add("a row without file or text", `row ${row}`);
      else rows.push({ row, file: resolve(dirname(path), file), value });
    }
  return rows;
}
