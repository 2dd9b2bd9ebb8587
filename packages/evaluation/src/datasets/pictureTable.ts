import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { parseDelimited } from "@pairloom/querylist";
import { byCodePoint } from "@pairloom/storage";
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

/**
 * A csv (or tsv) table of pictures and their classes: names, or numbers from 0 on.
 *
 * @param names by number; by default the names that occur, in order
 * @throws UserError "table_invalid", "column_missing", "label_unknown", "label_out_of_range"
 */
export async function labelledTable(
  path: string,
  columns: TableColumns,
  names: string[] | null,
  kind?: LabelKind,
): Promise<LabelledSet> {
  const leftOut = new LeftOut();
  const rows = await readRows(path, columns, "label", leftOut);
  const found = [...new Set(rows.map(({ value }) => value.trim()))];
  const areNumbers = found.every((label) => /^\d+$/.test(label));
  const classes = names ?? (areNumbers ? null : found.sort(byCodePoint));
  const { numbers, note } = columnLabels(
    rows.map(({ value, row }) => ({ text: value, place: `row ${row} of ${path}` })),
    classes,
    kind,
  );
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for (const [i, { file }] of rows.entries()) {
      const image = await readPicture(file, leftOut);
      if (image !== null) yield { image, label: numbers[i]!, from: file };
    }
  }
  return { classes, templates: null, notes: note === null ? [] : [note], pictures: pictures(), leftOut };
}

/** A csv (or tsv) table of pictures and captions; rows of one picture are its captions. @throws UserError as above */
export async function captionedTable(path: string, columns: TableColumns): Promise<CaptionedSet> {
  const leftOut = new LeftOut();
  const captions = new Map<string, string[]>();
  for (const { file, value, row } of await readRows(path, columns, "caption", leftOut)) {
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
  /** Line of the table, the header's being 1. */
  row: number;
  file: string;
  value: string;
}

async function readRows(
  path: string,
  columns: TableColumns,
  kind: "label" | "caption",
  leftOut: LeftOut,
): Promise<Row[]> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    throw new UserError("table_invalid", `${path} is no UTF-8 text`, {
      hint: "Save the table as UTF-8.",
      cause,
    });
  }
  const records = parseDelimited(text, path.toLowerCase().endsWith(".tsv") ? "\t" : ",");
  const header = ((records.next().value ?? []) as string[]).map((name) => name.trim());
  const place = (column: keyof TableColumns): number => {
    const name = columns[column];
    const at = header.indexOf(name);
    if (at >= 0) return at;
    throw new UserError(
      "column_missing",
      `${path} has no column "${name}"; it has ${header.join(", ") || "none"}`,
      {
        hint: `Name the column with --${column}-column.`,
      },
    );
  };
  const fileAt = place("path");
  const valueAt = place(kind);
  const rows: Row[] = [];
  let row = 1;
  for (const record of records) {
    row++;
    if (record.length === 1 && record[0] === "") continue;
    const file = record[fileAt]?.trim() ?? "";
    const value = record[valueAt];
    if (file === "" || value === undefined) leftOut.add("a row without file or text", `row ${row}`);
    else rows.push({ row, file: resolve(dirname(path), file), value });
  }
  return rows;
}
