import type { Store } from "@pairloom/storage";
import type { TableRow } from "../release/shardTable.js";
import type { Report } from "./problem.js";
import type { OnNote, PictureCheck } from "./scanShard.js";
import { compareShard, type Sidecars } from "./sidecars.js";
import { verifyPlainShard } from "./verifyPlainShard.js";
import { verifyShard } from "./verifyShard.js";
import { verifyStats } from "./verifyStats.js";

/** What the check of one shard needs. */
export interface ShardContext {
  store: Store;
  there: ReadonlySet<string>;
  sidecars: Sidecars;
  check: PictureCheck;
  report: Report;
  onBytes: (bytes: number, samples: number) => void;
  onNote: OnNote;
}

/** The samples of a checked shard; `rows` where a table of ours could be read. */
export interface CheckedShard {
  keys: string[];
  samples: number;
  rows: TableRow[];
}

/** Checks one shard of a release with everything that speaks of it; null where its tar or table isn't there. */
export async function checkReleaseShard(
  name: string,
  { store, there, sidecars, check, report, onBytes }: ShardContext,
): Promise<CheckedShard | null> {
  const [tar, parquet, stats] = [`${name}.tar`, `${name}.parquet`, `${name}_stats.json`];
  const lacking = [tar, parquet, stats].filter((file) => !there.has(file));
  for (const file of lacking) report("missing", file, "it isn't there");
  if (lacking.includes(tar) || lacking.includes(parquet)) return null;
  const shard = await verifyShard(store, name, check, report, onBytes);
  const { info, rows, keys, sha256, parquetSha256 } = shard;
  const samples = info === null ? keys.length : rows.length;
  compareShard({ ...(info ?? shard), tar, samples }, sidecars, report);
  if (info !== null && info.sha256 !== sha256)
    report("hash", tar, `its SHA-256 is not the one in ${parquet}`);
  const listed = sidecars["datacard.json"]?.shards.find((one) => one.tar === tar);
  if (listed !== undefined && listed.sha256 !== sha256)
    report("hash", tar, "its SHA-256 is not the one in datacard.json");
  if (listed !== undefined && listed.parquetSha256 !== parquetSha256)
    report("hash", parquet, "its SHA-256 is not the one in datacard.json");
  if (!lacking.includes(stats))
    await verifyStats(store, stats, { successes: samples, count: samples }, report);
  return { keys, samples, rows };
}

/** Checks one shard of another program with what is there beside it; null where its tar isn't there. */
export async function checkPlainShard(
  name: string,
  { store, there, sidecars, check, report, onBytes, onNote }: ShardContext,
): Promise<CheckedShard | null> {
  const tar = `${name}.tar`;
  if (!there.has(tar)) {
    report("missing", tar, "it isn't there");
    return null;
  }
  const shard = await verifyPlainShard(store, name, there, check, report, onBytes, onNote);
  compareShard({ ...shard, tar, samples: shard.keys.length }, sidecars, report);
  return { keys: shard.keys, samples: shard.keys.length, rows: [] };
}
