import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { UserError } from "@pairloom/config/errors";
import { findShards, type ShardFile } from "@pairloom/shards";
import { isStoreUrl, openStore, type Store } from "@pairloom/storage";

/** A release that is there and has shards. */
export interface Release {
  store: Store;
  shards: ShardFile[];
  /** Samples by its `sizes.json`; null where that doesn't say. */
  samples: number | null;
  /** Hex sha256 that stands for the data: names and sizes of the shards, and the contents of their parquet tables. */
  fingerprint: string;
}

/** @throws UserError "release_missing", "release_empty", or "no_shards" */
export async function openRelease(data: string): Promise<Release> {
  if (!isStoreUrl(data) && !existsSync(data)) {
    throw new UserError("release_missing", `There is no release at ${data}`, {
      hint: "`pairloom release --dir D` writes one; give the folder that holds 00000.tar.",
    });
  }
  const store = await openStore(data, { readOnly: true });
  const shards = await findShards(store);
  const samples = shards.reduce<number | null>(
    (sum, shard) => (sum === null || shard.samples === null ? null : sum + shard.samples),
    0,
  );
  if (samples === 0) {
    throw new UserError("release_empty", `The release at ${data} has no samples`, {
      hint: "Gather more, or look at the data card for why candidates were refused.",
    });
  }
  return { store, shards, samples, fingerprint: await fingerprintOf(store, shards) };
}

/** @throws UserError "release_damaged" where a listed shard is missing */
async function fingerprintOf(store: Store, shards: readonly ShardFile[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { name } of shards) {
    const info = await store.stat(name);
    if (info === null) {
      throw new UserError("release_damaged", `The release in ${store.url} lacks the shard ${name}`, {
        hint: "Copy it again, or write the release anew.",
      });
    }
    hash.update(`${name} ${info.bytes}\n`);
    const table = name.replace(/tar$/, "parquet");
    if ((await store.stat(table)) !== null) hash.update(await store.get(table));
  }
  return hash.digest("hex");
}
