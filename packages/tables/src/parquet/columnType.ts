import type { SchemaElement } from "hyparquet";

/** A column's elements in a parquet schema, as hyparquet has them: its own without the name, then those below it. */
export type ColumnElements = readonly [Omit<SchemaElement, "name">, ...SchemaElement[]];

/** What a column holds, and how its values are written. */
export interface ColumnType {
  elements: ColumnElements;
  /** A value as it lies in parquet's pages (a decimal's bytes, a date's days), lists as arrays, maps as {key, value}. */
  toCell(value: unknown): unknown;
  /** A value as JSON has it; whole numbers may be bigints. */
  toJson(value: unknown): unknown;
}

const optional = { repetition_type: "OPTIONAL" } as const;
export const textElement = { ...optional, type: "BYTE_ARRAY", converted_type: "UTF8" } as const;

/** A lone surrogate can't be written as UTF-8; it becomes U+FFFD. */
export const wellFormed = (text: string): string =>
  /[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text;

const asIs = (value: unknown): unknown => value ?? null;

/** Columns of our own: their values are of the kind, or null. */
export const textColumn: ColumnType = {
  elements: [textElement],
  toCell: (value) => (typeof value === "string" ? wellFormed(value) : null),
  toJson: asIs,
};
export const intColumn: ColumnType = {
  elements: [{ ...optional, type: "INT32" }],
  toCell: asIs,
  toJson: asIs,
};
export const bytesColumn: ColumnType = {
  elements: [{ ...optional, type: "BYTE_ARRAY" }],
  toCell: asIs,
  toJson: () => null,
};
