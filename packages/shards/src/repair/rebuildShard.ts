import { decodeTable, encodeTable, fitsTable, TableDamagedError } from "../parquet/table.js";
import type { MemberGroup } from "../reader/groupSamples.js";
import { sampleOfGroup } from "../reader/shardSample.js";
import { readShardInfo, type ShardInfo, shardKey } from "../release/shardInfo.js";
import { shardStats } from "../release/shardStats.js";
import { type ShardRow, type TableRow, shardColumns, tableColumns } from "../release/shardTable.js";
import { sha256Of } from "../sha256Of.js";
import { isPicture, type SampleProblem, scanShard } from "../verify/scanShard.js";
import { statsProblems } from "../verify/verifyStats.js";
import { membersProblems } from "../verify/verifyShard.js";
import type { RepairContext } from "./repairContext.js";

/** A shard as its tar tells it. */
export interface RebuiltShard {
  name: string;
  keys: string[];
  info: ShardInfo;
  /** Of a release. */
  rows: TableRow[];
  /** Null where it was left as it is. */
  parquetSha256: string | null;
}

const noRow = (key: string) => ({ says: `${key}.json holds no row of a release` });

/** The row that KEY.json holds, or what is wrong with it: a table gives back its columns, in their order, and no more. */
function rowOf({ key, members }: MemberGroup): { row: ShardRow } | { says: string } {
  const text = (members.get("json") ?? "").toString("utf8");
  let row: ShardRow;
  try {
    row = JSON.parse(text) as ShardRow;
  } catch {
    return noRow(key);
  }
  if (typeof row !== "object" || row === null || !fitsTable(shardColumns, row)) return noRow(key);
  const inOrder = Object.fromEntries(shardColumns.map(({ field }) => [field, row[field]]));
  if (JSON.stringify(inOrder) !== text) return noRow(key);
  if (row.key !== key) return { says: `${key}.json is that of ${row.key}` };
  if (row.caption !== members.get("txt")?.toString("utf8"))
    return { says: `${key}.txt is not the caption in ${key}.json` };
  return { row };
}

/**
 * Reads a tar and, of a release, rebuilds its parquet and statistics from KEY.json. What is wrong with the tar itself
 * is reported, and then they are left.
 */
export async function rebuildShard(
  name: string,
  layout: "release" | "plain",
  context: RepairContext,
): Promise<RebuiltShard> {
  const { store, list, put, trustTars } = context;
  const { report } = list;
  const tar = `${name}.tar`;
  const rows: TableRow[] = [];
  const here = new Set<string>();
  const extensions = new Set<string>();
  const before = list.found;
  const check = (group: MemberGroup): SampleProblem[] => {
    const problems: SampleProblem[] = here.has(group.key) ? [["key", `${group.key} is there twice`]] : [];
    here.add(group.key);
    if (layout === "plain") {
      const sample = sampleOfGroup(group);
      return "reason" in sample ? [...problems, ["pairing", `${group.key}: ${sample.says}`]] : problems;
    }
    problems.push(...membersProblems(group));
    const found = rowOf(group);
    if ("says" in found) return [...problems, ["record", found.says]];
    for (const [extension, picture] of group.members) {
      if (!isPicture(extension)) continue;
      extensions.add(extension);
      rows.push({ ...found.row, stored_sha256: sha256Of(picture) });
    }
    return problems;
  };
  const { keys, bytes, sha256, md5 } = await scanShard(store, tar, check, () => null, report);
  const known = await knownTable(name, context);
  const info: ShardInfo = {
    version: 1,
    release: context.identity.release,
    tar,
    samples: keys.length,
    pictures: [...extensions].sort(),
    bytes,
    sha256,
    md5,
  };
  const shard: RebuiltShard = { name, keys, info, rows, parquetSha256: null };
  if (!trustTars && !isKnown(info, known?.info ?? null, context))
    report("hash", tar, "it is not the tar that its sidecars speak of");
  if (layout === "release" && keys.some((key, i) => i > 0 && (keys[i - 1] as string) > key))
    report("key", tar, "its keys are not in order");
  if (list.found > before || layout === "plain") return shard;
  await putStats(`${name}_stats.json`, rows.length, context);
  // A whole table that says the same stays, also where another version wrote it in other bytes.
  const listed = context.sidecars["datacard.json"]?.shards.find((one) => one.tar === tar)?.parquetSha256;
  const stays = known !== null && isSame(known.info, info) && isSame(known.rows, rows);
  if (stays && (listed ?? known.sha256) === known.sha256) return { ...shard, parquetSha256: known.sha256 };
  const table = encodeTable(tableColumns, rows, { [shardKey]: JSON.stringify(info) });
  await put(`${name}.parquet`, table);
  return { ...shard, parquetSha256: sha256Of(table) };
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Statistics that fit stay. */
async function putStats(file: string, samples: number, { store, files, put }: RepairContext): Promise<void> {
  const counted = { successes: samples, count: samples };
  if (files.has(file) && statsProblems(await store.get(file), counted).length === 0) return;
  await put(file, shardStats(samples));
}

/** A shard's parquet as it lies there, whole. */
interface KnownTable {
  info: ShardInfo;
  rows: TableRow[];
  sha256: string;
}

/** The shard's parquet; null where it isn't there or isn't whole. */
async function knownTable(name: string, { store, files }: RepairContext): Promise<KnownTable | null> {
  if (!files.has(`${name}.parquet`)) return null;
  try {
    const table = await store.get(`${name}.parquet`);
    const info = readShardInfo(table);
    return { info, rows: (await decodeTable(tableColumns, table)).rows, sha256: sha256Of(table) };
  } catch (error) {
    if (!(error instanceof TableDamagedError)) throw error;
    return null;
  }
}

/** A tar is the one that was published where no sidecar names a hash, or one of them names this one. */
function isKnown(
  { tar, sha256, md5 }: ShardInfo,
  known: ShardInfo | null,
  { sidecars }: RepairContext,
): boolean {
  const card = sidecars["datacard.json"]?.shards.find((shard) => shard.tar === tar);
  const wids = sidecars["index.json"]?.shardlist.find(({ url }) => url === tar);
  const named: [string | undefined, string][] = [
    [known?.sha256, sha256],
    [card?.sha256, sha256],
    [wids?.md5sum, md5],
  ];
  const there = named.filter(([hash]) => hash !== undefined);
  return there.length === 0 || there.some(([hash, actual]) => hash === actual);
}
