import * as zlib from "node:zlib";
import { UserError } from "@pairloom/config";
import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from "hyparquet";
import type { CellKind } from "../write/cellKind.js";
import type { ListFile } from "./listFiles.js";

const zstd = (zlib as { zstdDecompressSync?: (bytes: Uint8Array) => Uint8Array }).zstdDecompressSync;
const compressors: Compressors = {
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  ...(zstd === undefined ? {} : { ZSTD: (input: Uint8Array) => zstd(input) }),
};

/** An opened parquet list. */
export interface ParquetList {
  rows: number;
  /** The columns that are read, in the order of the values. */
  columns: string[];
  /** What each wanted column holds. */
  kinds: CellKind[];
  /** Values of the wanted columns from a row on, some thousand rows at a time. */
  read(from: number): AsyncGenerator<unknown[][]>;
}

/**
 * Opens a parquet list by its footer.
 * @param columns those that are wanted, in this order, or all @param batchRows rows that are read at a time
 * @throws UserError where it is none, or a column is missing
 */
export async function openParquetList(
  file: ListFile,
  columns: readonly string[] | "all",
  batchRows = 20_000,
): Promise<ParquetList> {
  const buffer = new KeptSlices(file);
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(buffer);
  } catch (cause) {
    throw new UserError("url_list_parquet", `${file.name} is no parquet file: ${(cause as Error).message}`, {
      cause,
    });
  }
  const there = parquetSchema(metadata).children;
  const wanted = columns === "all" ? there.map(({ element }) => element.name) : [...columns];
  const kinds = wanted.map((name) => {
    const column = there.find(({ element }) => element.name === name);
    if (column === undefined)
      throw new UserError(
        "url_list_column",
        `${file.name} has no column "${name}"; it has ${there.map(({ element }) => `"${element.name}"`).join(", ")}`,
        { hint: "Name the columns with --url_col and --caption_col." },
      );
    const kind = kindOf(column.element);
    // In a list from elsewhere bytes are text that wasn't marked as such; in a shard of ours they are a picture.
    return kind === "bytes" && columns !== "all" ? "string" : kind;
  });
  const rows = Number(metadata.num_rows);
  return {
    rows,
    columns: wanted,
    kinds,
    async *read(from) {
      for (let rowStart = from; rowStart < rows; rowStart += batchRows) {
        const rowEnd = Math.min(rows, rowStart + batchRows);
        buffer.nextBatch();
        const columns = [...new Set(wanted)];
        // Bytes stay bytes: a text column says that it is one.
        const options = { file: buffer, metadata, columns, rowStart, rowEnd, compressors, utf8: false };
        const objects = await readPages(file, options);
        yield objects.map((object) =>
          wanted.map((name, at) => (kinds[at] === "bytes" ? object[name] : plain(object[name]))),
        );
      }
    },
  };
}

async function readPages(
  file: ListFile,
  options: Parameters<typeof parquetReadObjects>[0],
): Promise<Record<string, unknown>[]> {
  try {
    return await parquetReadObjects(options);
  } catch (cause) {
    const message = (cause as Error).message;
    const hint = message.includes("ZSTD")
      ? "Node reads ZSTD from version 22.15 on; or write the list with another compression."
      : "Write the file again.";
    throw new UserError("url_list_parquet", `The pages of ${file.name} can't be read: ${message}`, {
      cause,
      hint,
    });
  }
}

interface Element {
  type?: string;
  converted_type?: string;
  logical_type?: { type: string };
}

function kindOf({ type, converted_type: converted, logical_type: logical }: Element): CellKind {
  const says = `${converted ?? ""} ${logical?.type ?? ""}`;
  if (/DATE|TIME|DECIMAL/.test(says)) return "string";
  if (type === "INT32") return "int";
  if (type === "INT64") return "long";
  if (type === "FLOAT" || type === "DOUBLE") return "double";
  if (type === "BOOLEAN") return "boolean";
  return type === "BYTE_ARRAY" && says.trim() === "" ? "bytes" : "string";
}

/** Values as JSON has them. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("utf8");
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value ?? null;
}

/**
 * A file as hyparquet reads it, a range at a time. A row group that is longer than a batch is wanted again by the next
 * one, so the slices of one batch are kept for the next.
 */
class KeptSlices implements AsyncBuffer {
  readonly byteLength: number;
  private before = new Map<string, Promise<ArrayBuffer>>();
  private now = new Map<string, Promise<ArrayBuffer>>();

  constructor(private readonly file: ListFile) {
    this.byteLength = file.bytes;
  }

  nextBatch(): void {
    this.before = this.now;
    this.now = new Map();
  }

  slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const from = start < 0 ? this.byteLength + start : start;
    const key = `${from}-${end}`;
    const slice = this.now.get(key) ?? this.before.get(key) ?? this.load(from, end);
    this.now.set(key, slice);
    return slice;
  }

  private async load(start: number, end: number): Promise<ArrayBuffer> {
    const { store, name } = this.file;
    const parts: Buffer[] = [];
    for await (const part of await store.read(name, { start, end })) parts.push(part as Buffer);
    const whole = Buffer.concat(parts);
    return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength);
  }
}
