import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Store } from "./store.js";

const deflate = promisify(gzip);
const inflate = promisify(gunzip);

/** A blob's bytes are not those that were published. */
export class BlobDamagedError extends Error {
  readonly code = "blob_damaged";
  constructor(blobName: string, storeUrl: string, why: string, cause: unknown) {
    super(`${blobName} in ${storeUrl} is damaged${why}`, { cause });
    this.name = "BlobDamagedError";
  }
}

/** Publishes values as gzip'd JSON lines (one job's worth: it is held in memory). The bytes depend on the values alone. */
export async function publishLines(
  store: Store,
  name: string,
  values: readonly unknown[],
): Promise<"published" | "exists"> {
  const text = values.map((value) => JSON.stringify(value) + "\n").join("");
  return store.publish(name, await deflate(text));
}

/**
 * Reads what `publishLines` wrote; `parse` checks each line's value.
 * @throws BlobNotFoundError; BlobDamagedError naming file and line where a line is not JSON or `parse` refuses it
 */
export async function readLines<T>(store: Store, name: string, parse: (value: unknown) => T): Promise<T[]> {
  const compressed = await store.get(name);
  let text: string;
  try {
    text = (await inflate(compressed)).toString("utf8");
  } catch (cause) {
    throw new BlobDamagedError(name, store.url, ": not a whole gzip file", cause);
  }
  const values: T[] = [];
  let number = 0;
  for (const line of text.split("\n")) {
    number++;
    if (line === "") continue;
    try {
      values.push(parse(JSON.parse(line)));
    } catch (cause) {
      throw new BlobDamagedError(name, store.url, ` at line ${number}`, cause);
    }
  }
  return values;
}
