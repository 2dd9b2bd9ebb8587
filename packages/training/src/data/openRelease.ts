import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { UserError } from "@pairloom/config";
import { openStore, type Store } from "@pairloom/storage";

/** A release that is there and has shards. */
export interface Release {
  store: Store;
  /** Names of the tars, in byte order. */
  shards: string[];
  /** Samples by its `sizes.json`, where there is one. */
  samples: number | null;
  /** Hex sha256 that stands for the data: names and sizes of the shards, and the contents of their parquet tables. */
  fingerprint: string;
}

/** @throws UserError "release_missing" or "release_empty" */
export async function openRelease(data: string): Promise<Release> {
  const isLocal = !/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(data);
  if (isLocal && !existsSync(data)) {
    throw new UserError("release_missing", `There is no release at ${data}`, {
      hint: "`pairloom release --dir D` writes one; give the folder that holds 00000.tar.",
    });
  }
  const store = await openStore(data);
  const shards: string[] = [];
  const hash = createHash("sha256");
  for await (const { name, bytes } of store.list("")) {
    if (/^[^/]+\.tar$/.test(name)) {
      shards.push(name);
      hash.update(`${name} ${bytes}\n`);
    } else if (/^[^/]+\.parquet$/.test(name)) hash.update(await store.get(name));
  }
  if (shards.length === 0) {
    throw new UserError("release_empty", `${data} holds no shards (00000.tar, …)`, {
      hint: "`pairloom release --dir D` writes a release; give the folder that holds 00000.tar.",
    });
  }
  return { store, shards, samples: await sizes(store, shards), fingerprint: hash.digest("hex") };
}

async function sizes(store: Store, shards: readonly string[]): Promise<number | null> {
  if ((await store.stat("sizes.json")) === null) return null;
  try {
    const table = JSON.parse((await store.get("sizes.json")).toString("utf8")) as Record<string, unknown>;
    const counts = shards.map((shard) => table[shard]);
    return counts.every((count) => typeof count === "number") ? counts.reduce((a, b) => a + b, 0) : null;
  } catch {
    return null;
  }
}
