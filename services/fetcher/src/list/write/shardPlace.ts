import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "@pairloom/storage";
import type { ListSettings } from "../listSettings.js";
import type { ShardStats } from "./shardStats.js";

export type ShardSettings = Pick<ListSettings, "outputFormat" | "oomShardCount">;

export const shardFileName = (shard: number, { oomShardCount }: ShardSettings): string =>
  String(shard).padStart(oomShardCount, "0");

/** The numbers of the shards that are whole: NNNNN_stats.json is written last. */
export async function doneShards(store: Store): Promise<Set<number>> {
  const done = new Set<number>();
  for await (const { name } of store.list("", { flat: true })) {
    const number = /^(\d+)_stats\.json$/.exec(name)?.[1];
    if (number !== undefined) done.add(Number(number));
  }
  return done;
}

/** Removes every file and folder that is a shard's by its name; what else lies in the store stays. */
export async function clearShards(store: Store): Promise<void> {
  const folders = new Set<string>();
  // Statistics first: what is left after an interruption is then no shard.
  const names: string[] = [];
  for await (const { name } of store.list("", { anyOrder: true })) {
    const folder = /^\d+(?=\/\d+\.[a-z]+$)/.exec(name)?.[0];
    if (folder !== undefined) folders.add(folder);
    else if (/^\d+(_stats\.json|\.tar|\.parquet)$/.test(name)) names.push(name);
  }
  const isStats = (name: string) => name.endsWith("_stats.json");
  for (const name of [...names.filter(isStats), ...names.filter((one) => !isStats(one))])
    await store.delete(name);
  for (const name of folders) await store.deleteFolder(name);
}

/**
 * Makes a shard's finished files (in `scratch`) visible; its statistics come last and say that it is whole. What an
 * interrupted run left of it is replaced, each file in one step.
 */
export async function publishShard(
  store: Store,
  scratch: string,
  shard: number,
  settings: ShardSettings,
  stats: ShardStats,
): Promise<void> {
  const name = shardFileName(shard, settings);
  if (settings.outputFormat === "webdataset")
    await store.replaceFile(`${name}.tar`, join(scratch, `${name}.tar`));
  // A shard whose failed rows were tried again keeps its folder.
  if (settings.outputFormat === "files" && existsSync(join(scratch, name)))
    await store.replaceFolder(name, join(scratch, name));
  await store.replaceFile(`${name}.parquet`, join(scratch, `${name}.parquet`));
  const text = Buffer.from(JSON.stringify(stats, null, 4));
  await store.delete(`${name}_stats.json`);
  await store.publish(`${name}_stats.json`, text);
}
