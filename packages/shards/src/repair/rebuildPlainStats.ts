import { readPlainTable } from "../parquet/plainTable.js";
import { shardStats } from "../release/shardStats.js";
import { statsProblems } from "../verify/verifyStats.js";
import type { RepairContext } from "./repairContext.js";
import type { RebuiltShard } from "./rebuildShard.js";

/**
 * Rebuilds the statistics of another program's shard from its parquet, which alone knows the failures; times are lost.
 * Without a parquet there is nothing to rebuild, and statistics that fit are left.
 */
export async function rebuildPlainStats(shard: RebuiltShard, context: RepairContext): Promise<void> {
  const { store, files, list, put } = context;
  const [file, parquet] = [`${shard.name}_stats.json`, `${shard.name}.parquet`];
  if (!files.has(parquet)) return;
  const table = await readPlainTable(await store.get(parquet), ["status"]);
  if ("says" in table) return list.report("parquet", parquet, `${table.says}; no tar holds its failed rows`);
  const count = (status: string) => table.rows.filter((row) => row.status === status).length;
  const counted = { count: table.rows.length, successes: count("success") };
  if (counted.successes !== shard.keys.length)
    return list.report(
      "count",
      parquet,
      `it has ${counted.successes} successes of ${shard.keys.length} samples`,
    );
  if (files.has(file) && statsProblems(await store.get(file), counted).length === 0) return;
  const failures = {
    count: counted.count,
    failed_to_download: count("failed_to_download"),
    failed_to_resize: count("failed_to_resize"),
  };
  await put(file, shardStats(counted.successes, failures));
}
