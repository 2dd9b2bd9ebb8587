import { Buffer } from "node:buffer";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { brokenSeal, sealParquet } from "./seal.js";

/** "int" is a 32-bit integer, "long" a 64-bit one (a safe integer here), "json" any value as a string of JSON. */
export type ColumnKind = "string" | "int" | "long" | "boolean" | "json";

/** One column: the field of the row, its name in the file, what it holds. */
export interface Column<Row> {
  field: keyof Row & string;
  name: string;
  kind: ColumnKind;
  nullable: boolean;
}

/** The bytes are not a parquet file that holds this table whole. */
export class TableDamagedError extends Error {
  readonly code = "table_damaged";
  constructor(why: string, cause?: unknown) {
    super(why, cause === undefined ? undefined : { cause });
    this.name = "TableDamagedError";
  }
}

/** Shorthand to declare columns: a trailing "?" allows null. */
export function column<Row>(
  field: keyof Row & string,
  kind: ColumnKind | `${ColumnKind}?`,
  name: string = field,
): Column<Row> {
  const nullable = kind.endsWith("?");
  return { field, name, kind: (nullable ? kind.slice(0, -1) : kind) as ColumnKind, nullable };
}

const parquetTypes = {
  string: "STRING",
  json: "STRING",
  int: "INT32",
  long: "INT64",
  boolean: "BOOLEAN",
} as const;

/** A lone surrogate can't be written as UTF-8; it becomes U+FFFD. */
const wellFormed = (text: string) => (/[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text);

function toCell(kind: ColumnKind, value: unknown, where: string): string | number | boolean {
  switch (kind) {
    case "json":
      return JSON.stringify(value);
    case "string":
      if (typeof value === "string") return wellFormed(value);
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "int":
      if (typeof value === "number" && (value | 0) === value) return value | 0;
      break;
    case "long":
      if (Number.isSafeInteger(value)) return value as number;
  }
  throw new TypeError(`Expected ${where} to be ${kind}, got ${JSON.stringify(value) ?? typeof value}`);
}

function cellOf<Row>({ field, name, kind, nullable }: Column<Row>, row: Row, i: number) {
  const value = row[field];
  if (value !== null && value !== undefined) return toCell(kind, value, `${name} of row ${i}`);
  if (nullable) return null;
  throw new TypeError(`Expected ${name} of row ${i} to be ${kind}, got null`);
}

/** Whether `encodeTable` would take this row. */
export function fitsTable<Row>(columns: readonly Column<Row>[], row: Row): boolean {
  try {
    for (const one of columns) cellOf(one, row, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * A parquet file of these rows (snappy, row groups of 100,000). Equal rows and metadata give equal bytes.
 * @throws TypeError where a row doesn't fit its columns
 */
export function encodeTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  metadata: Record<string, string> = {},
): Buffer {
  const cells = columns.map((one) => rows.map((row, i) => cellOf(one, row, i)));
  const bytes = parquetWriteBuffer({
    columnData: columns.map(({ name, kind, nullable }, i) => ({
      name,
      type: parquetTypes[kind],
      nullable,
      data: kind === "long" ? (cells[i] ?? []).map((n) => (n === null ? null : BigInt(n))) : (cells[i] ?? []),
    })),
    rowGroupSize: 100_000,
    createdBy: "pairloom",
    kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
  return sealParquet(Buffer.from(bytes));
}

/**
 * The rows of a parquet file that `encodeTable` wrote with these columns (further ones are passed over).
 * @throws TableDamagedError
 */
export async function decodeTable<Row>(
  columns: readonly Column<Row>[],
  bytes: Uint8Array,
): Promise<{ rows: Row[]; metadata: Record<string, string> }> {
  const metadata = tableMetadata(bytes);
  let raw: Record<string, unknown>[];
  try {
    const { buffer, byteOffset, byteLength } = bytes;
    const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
    raw = await parquetReadObjects({ file, columns: columns.map(({ name }) => name) });
  } catch (cause) {
    throw new TableDamagedError("its parquet pages can't be read", cause);
  }
  const rows = raw.map((object, i) => {
    const row: Record<string, unknown> = {};
    for (const { field, name, kind, nullable } of columns) {
      const cell = object[name] as string | number | bigint | boolean | null | undefined;
      if (cell === null || cell === undefined) {
        if (!nullable) throw new TableDamagedError(`${name} of row ${i} is missing`);
        row[field] = null;
      } else {
        row[field] = fromCell(kind, cell, `${name} of row ${i}`);
      }
    }
    return row as Row;
  });
  return { rows, metadata };
}

function fromCell(kind: ColumnKind, cell: string | number | bigint | boolean, where: string): unknown {
  try {
    if (kind === "json") return JSON.parse(cell as string);
    return toCell(kind, typeof cell === "bigint" ? Number(cell) : cell, where);
  } catch (cause) {
    throw new TableDamagedError(`${where} is not ${kind}`, cause);
  }
}

/** The key-value metadata of a parquet file that `encodeTable` wrote. @throws TableDamagedError */
export function tableMetadata(bytes: Uint8Array): Record<string, string> {
  const broken = brokenSeal(bytes);
  if (broken !== null) throw new TableDamagedError(broken);
  const { key_value_metadata: pairs } = parquetMetadata(bytes);
  return Object.fromEntries((pairs ?? []).map(({ key, value }) => [key, value ?? ""]));
}
