import { createHash, type Hash } from "node:crypto";
import { UserError } from "@pairloom/config/errors";
import type { ShardFile } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";

/** Data of up to so many bytes are read whole, … */
const mostWholeBytes = 256 * 2 ** 20;
/** … of larger ones ranges of so many, … */
const rangeBytes = 1 << 16;
/** … in so many shards, spread evenly: terabytes can't be read at each start. */
const mostSampledShards = 4096;

/** Files that are read at the same time: an object store takes its time for each. */
const atOnce = 16;

export interface FingerprintLimits {
  wholeBytes?: number;
  sampledShards?: number;
}

/**
 * Hex sha256 that stands for a release's data, wherever they lie: the names and sizes of its shards and of the tables
 * beside them, and what is in them. Of large ones that is what is read of each at its beginning, its end and a place
 * that follows from its name and size.
 *
 * @throws UserError "release_damaged" where a listed shard is missing
 */
export async function releaseFingerprint(
  store: Store,
  shards: readonly ShardFile[],
  { wholeBytes = mostWholeBytes, sampledShards = mostSampledShards }: FingerprintLimits = {},
): Promise<string> {
  const files = await filesOf(store, shards);
  const total = files.flat().reduce((sum, { bytes }) => sum + bytes, 0);
  const isWhole = total <= wholeBytes;
  const place = (shard: number) => Math.floor((shard * sampledShards) / files.length);
  const sampled = (shard: number) => isWhole || place(shard) !== place(shard - 1);
  const lines = await inOrder(files, async (ofShard, shard) => {
    const parts: string[] = [];
    for (const file of ofShard) {
      const hash = createHash("sha256");
      if (sampled(shard)) await addContents(store, file, isWhole, hash);
      parts.push(JSON.stringify([file.name, file.bytes, hash.digest("hex")]));
    }
    return parts.join("\n");
  });
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}

interface File {
  name: string;
  bytes: number;
}

/** Of each shard its tar, and the table beside it where there is one. */
async function filesOf(store: Store, shards: readonly ShardFile[]): Promise<File[][]> {
  const sizes = new Map<string, number>();
  for await (const { name, bytes } of store.list("", { flat: true, anyOrder: true })) sizes.set(name, bytes);
  return inOrder(shards, async ({ name }) => {
    // a listing of one folder doesn't tell of those below
    const bytes = sizes.get(name) ?? (await store.stat(name))?.bytes;
    if (bytes === undefined) throw lacks(store, name);
    const table = tableOf(name);
    const tableBytes = sizes.get(table) ?? (sizes.has(name) ? undefined : (await store.stat(table))?.bytes);
    return [{ name, bytes }, ...(tableBytes === undefined ? [] : [{ name: table, bytes: tableBytes }])];
  });
}

const tableOf = (tar: string): string => tar.replace(/tar$/, "parquet");

const lacks = (store: Store, name: string): UserError =>
  new UserError("release_damaged", `The release in ${store.url} lacks the shard ${name}`, {
    hint: "Copy it again, or write the release anew.",
  });

async function addContents(store: Store, { name, bytes }: File, isWhole: boolean, hash: Hash): Promise<void> {
  const last = Math.max(0, bytes - rangeBytes);
  const starts = isWhole ? [0] : [...new Set([0, somewhere(name, bytes, last), last])];
  for (const start of starts) {
    const end = isWhole ? bytes : start + rangeBytes;
    for await (const chunk of await store.read(name, { start, end })) hash.update(chunk as Buffer);
  }
}

function somewhere(name: string, bytes: number, last: number): number {
  return createHash("sha256").update(`${name} ${bytes}`).digest().readUIntBE(0, 6) % (last + 1);
}

/** Results in the order of the items, of which a few are under way at the same time. */
async function inOrder<T, R>(items: readonly T[], work: (item: T, at: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T, at);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

/**
 * The fingerprint that older versions recorded: names and sizes of the shards, and the tables' contents.
 *
 * @throws UserError "release_damaged" where a listed shard is missing
 */
export async function formerFingerprint(store: Store, shards: readonly ShardFile[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { name } of shards) {
    const info = await store.stat(name);
    if (info === null) throw lacks(store, name);
    hash.update(`${name} ${info.bytes}\n`);
    if ((await store.stat(tableOf(name))) !== null) hash.update(await store.get(tableOf(name)));
  }
  return hash.digest("hex");
}
