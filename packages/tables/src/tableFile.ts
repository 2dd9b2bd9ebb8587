import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import type { BlobInfo, Store } from "@pairloom/storage";

/** A file with a table in it, wherever it lies. */
export interface TableFile {
  /** What messages call it. */
  name: string;
  bytes: number;
  /** Its bytes, or those from `start` to before `end`. */
  read(range?: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>;
}

/** A file on this machine. @throws UserError "table_missing" */
export async function localTable(path: string): Promise<TableFile> {
  const info = await stat(path).catch((cause: unknown) => {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "does not exist" : `can't be read (${code ?? "?"})`;
    throw new UserError("table_missing", `${path} ${why}`, { hint: "Check the path.", cause });
  });
  if (info.isDirectory())
    throw new UserError("table_missing", `${path} is a folder, not a file`, { hint: "Name a file." });
  return {
    name: path,
    bytes: info.size,
    read: (range) =>
      Promise.resolve(
        createReadStream(path, range === undefined ? {} : { start: range.start, end: range.end - 1 }),
      ),
  };
}

/** A blob of a store. */
export const storedTable = (store: Store, { name, bytes }: BlobInfo): TableFile => ({
  name,
  bytes,
  read: (range) => store.read(name, range),
});

/** What is in memory already. */
export const tableOfBytes = (bytes: Uint8Array, name: string): TableFile => ({
  name,
  bytes: bytes.byteLength,
  read: ({ start, end } = { start: 0, end: bytes.byteLength }) =>
    Promise.resolve(
      (async function* () {
        yield await Promise.resolve(bytes.subarray(start, end));
      })(),
    ),
});
