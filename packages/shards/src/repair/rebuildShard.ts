import { createHash } from "node:crypto";
import { decodeTable, encodeTable, TableDamagedError } from "../parquet/table.js";
import type { MemberGroup } from "../reader/groupSamples.js";
import { sampleOfGroup } from "../reader/shardSample.js";
import { readShardInfo, type ShardInfo, shardKey } from "../release/shardInfo.js";
import { shardStats } from "../release/shardStats.js";
import { type ShardRow, type TableRow, shardColumns, tableColumns } from "../release/shardTable.js";
import { isPicture, type SampleProblem, scanShard } from "../verify/scanShard.js";
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

const sha256Of = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** The row that KEY.json holds, or what is wrong with it. */
function rowOf({ key, members }: MemberGroup): { row: ShardRow } | { says: string } {
  let row: ShardRow;
  try {
    row = JSON.parse((members.get("json") ?? "").toString("utf8")) as ShardRow;
    // Whether it fits the table's columns.
    encodeTable(shardColumns, [row]);
  } catch {
    return { says: `${key}.json holds no row of a release` };
  }
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
  const known = await knownInfo(name, context);
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
  if (!trustTars && !isKnown(info, known, context))
    report("hash", tar, "it is not the tar that its sidecars speak of");
  if (layout === "release" && keys.some((key, i) => i > 0 && (keys[i - 1] as string) > key))
    report("key", tar, "its keys are not in order");
  if (list.found > before || layout === "plain") return shard;
  const table = encodeTable(tableColumns, rows, { [shardKey]: JSON.stringify(info) });
  await put(`${name}.parquet`, table);
  await put(`${name}_stats.json`, shardStats(rows.length));
  return { ...shard, parquetSha256: sha256Of(table) };
}

/** What the shard's parquet says of its tar; null where it isn't whole. */
async function knownInfo(name: string, { store, files }: RepairContext): Promise<ShardInfo | null> {
  if (!files.has(`${name}.parquet`)) return null;
  try {
    const table = await store.get(`${name}.parquet`);
    const info = readShardInfo(table);
    await decodeTable(shardColumns, table);
    return info;
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
