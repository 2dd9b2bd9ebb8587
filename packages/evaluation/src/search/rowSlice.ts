import { closeSync, openSync, readSync } from "node:fs";
import { UserError } from "@pairloom/config/errors";

/** Rows of a part that one thread looks through, and where their numbers lie. */
export interface RowSlice {
  /** Number in the index of the first of these rows. */
  first: number;
  rows: number;
  /** Half precision, [rows, E]. */
  features: FileRange;
  /** The same in 8 bits, with what restores and bounds them; null where only half precision is looked at. */
  coded: { codes: FileRange; scales: FileRange; residuals: FileRange } | null;
}

export interface FileRange {
  path: string;
  /** Byte of the file. */
  start: number;
}

/** What looks through slices in one thread. Scores are inner products with the rows as stored in half precision. */
export interface RowScanner {
  /** The largest numbers that scores of these rows surely reach, at most `count`: whoever doesn't reach them is out. */
  lowerBounds(query: Float32Array, count: number): number[];
  /** The best of the rows that may reach `floor`. */
  best(query: Float32Array, count: number, floor: number): { row: number; score: number }[];
}

/** Reads a range whole. @throws UserError "index_damaged" where the file is shorter */
export function readRange({ path, start }: FileRange, bytes: number): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes);
  const file = openSync(path, "r");
  try {
    for (let at = 0; at < bytes;) {
      const read = readSync(file, new Uint8Array(buffer, at), 0, Math.min(bytes - at, 1 << 30), start + at);
      if (read === 0)
        throw new UserError("index_damaged", `${path} is cut off`, {
          hint: "Delete it: what it held is made again by the next search.",
        });
      at += read;
    }
  } finally {
    closeSync(file);
  }
  return buffer;
}
