import type { Store } from "@pairloom/storage";
import { decodeTable, TableDamagedError } from "../parquet/table.js";
import type { MemberGroup } from "../reader/groupSamples.js";
import { maxSidecarBytes } from "../reader/shardSample.js";
import { readShardInfo, type ShardInfo } from "../release/shardInfo.js";
import { type TableRow, tableColumns } from "../release/shardTable.js";
import { sha256Of } from "../sha256Of.js";
import type { Report } from "./problem.js";
import { isPicture, type PictureCheck, type SampleProblem, scanShard } from "./scanShard.js";

export interface VerifiedShard {
  /** From the parquet; null where that can't be read. */
  info: ShardInfo | null;
  rows: TableRow[];
  keys: string[];
  bytes: number;
  sha256: string;
  md5: string;
  parquetSha256: string;
}

/** What is wrong with a sample of a release by itself. */
export function membersProblems({ key, members }: MemberGroup): SampleProblem[] {
  const problems: SampleProblem[] = [];
  const pictures = [...members.keys()].filter((extension) => isPicture(extension));
  if (pictures.length !== 1) problems.push(["pairing", `${key} has ${pictures.length} pictures`]);
  for (const extension of ["txt", "json"]) {
    if (!members.has(extension)) problems.push(["pairing", `${key} has no .${extension}`]);
  }
  return problems;
}

/** Compares a sample's members with the row of the parquet. */
function rowProblems({ key, members }: MemberGroup, row: TableRow): SampleProblem[] {
  const problems: SampleProblem[] = [];
  const { stored_sha256: stored, ...record } = row;
  for (const [extension, data] of members) {
    if (!isPicture(extension) && data.length > maxSidecarBytes)
      problems.push([
        "record",
        `${key}.${extension} has ${data.length} bytes: readers ${extension === "json" ? "go on without such records" : "put such samples aside"}`,
      ]);
    if (extension === "txt" && data.toString("utf8") !== row.caption)
      problems.push(["record", `${key}.txt is not the caption in the parquet`]);
    if (extension === "json" && data.toString("utf8") !== JSON.stringify(record))
      problems.push(["record", `${key}.json is not the row in the parquet`]);
    if (isPicture(extension) && sha256Of(data) !== stored)
      problems.push(["hash", `${key}.${extension} is not the picture that was written`]);
  }
  return problems;
}

/** Checks one shard of a release: its parquet, then every member of its tar against it. */
export async function verifyShard(
  store: Store,
  name: string,
  checkPicture: PictureCheck,
  report: Report,
  onBytes: (bytes: number, samples: number) => void,
): Promise<VerifiedShard> {
  const [tar, parquet] = [`${name}.tar`, `${name}.parquet`];
  const table = await store.get(parquet);
  let info: ShardInfo | null = null;
  let rows: TableRow[] = [];
  try {
    info = readShardInfo(table);
    rows = (await decodeTable(tableColumns, table)).rows;
  } catch (error) {
    if (!(error instanceof TableDamagedError)) throw error;
    info = null;
    report("parquet", parquet, error.message);
  }
  const rowOf = new Map(rows.map((row) => [row.key, row]));
  const here = new Set<string>();
  const check = (group: MemberGroup): SampleProblem[] => {
    const { key } = group;
    const problems = membersProblems(group);
    const row = rowOf.get(key);
    if (here.has(key)) problems.push(["key", `${key} is there twice`]);
    here.add(key);
    if (row !== undefined) problems.push(...rowProblems(group, row));
    else if (info !== null) problems.push(["key", `${key} is not in ${parquet}`]);
    return problems;
  };
  const scanned = await scanShard(store, tar, check, checkPicture, report, onBytes);
  for (const { key } of rows) if (!here.has(key)) report("pairing", tar, `${key} is in ${parquet} only`, key);
  if (scanned.keys.some((key, i) => i > 0 && (scanned.keys[i - 1] as string) >= key))
    report("key", tar, "its keys are not in order");
  return { info, rows, ...scanned, parquetSha256: sha256Of(table) };
}
