import { UserError } from "@pairloom/config/errors";
import { isObject } from "@pairloom/config/isObject";
import type { Store } from "@pairloom/storage";
import { noShards } from "./noShards.js";

export interface ShardFile {
  name: string;
  /** By `sizes.json`; null where that doesn't say. */
  samples: number | null;
}

/** Checked by hand: whoever only reads shards should not wait for a schema library. */
const isSizes = (json: unknown): json is Record<string, number> =>
  isObject(json) && Object.values(json).every((count) => Number.isSafeInteger(count) && Number(count) >= 0);

/** What `sizes.json` says, or null where there is none. @throws UserError where it is damaged */
export async function readSizes(store: Store): Promise<Record<string, number> | null> {
  if ((await store.stat("sizes.json")) === null) return null;
  try {
    const sizes: unknown = JSON.parse((await store.get("sizes.json")).toString("utf8"));
    if (!isSizes(sizes)) throw new TypeError("not an object of counts");
    return sizes;
  } catch (cause) {
    throw new UserError("sizes_corrupt", `sizes.json in ${store.url} is damaged`, {
      hint: "Put it back from a copy, or delete it: the shards are found by their names then.",
      cause,
    });
  }
}

/**
 * The shards of a folder in the byte order of their names: those that `sizes.json` lists, or else every `.tar`.
 * @throws UserError where there is none
 */
export async function findShards(store: Store): Promise<ShardFile[]> {
  const sizes = await readSizes(store);
  let shards: ShardFile[] = [];
  if (sizes !== null) {
    const listed = Object.entries(sizes).filter(([name]) => name.endsWith(".tar"));
    shards = listed.map(([name, samples]) => ({ name, samples }));
    shards.sort((a, b) => (a.name < b.name ? -1 : 1));
  } else {
    for await (const { name } of store.list("", { flat: true })) {
      if (name.endsWith(".tar")) shards.push({ name, samples: null });
    }
  }
  if (shards.length > 0) return shards;
  throw noShards("no_shards", store, await someFiles(store));
}

/** Enough of what is there to tell what it is. */
async function someFiles(store: Store): Promise<string[]> {
  const files: string[] = [];
  for await (const { name } of store.list("", { anyOrder: true })) if (files.push(name) === 1000) break;
  return files;
}
