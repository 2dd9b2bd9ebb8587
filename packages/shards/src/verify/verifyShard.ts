import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Store } from "@pairloom/storage";
import { decodeTable, TableDamagedError } from "../parquet/table.js";
import { type MemberGroup, MemberGrouper, splitMemberName } from "../reader/groupSamples.js";
import { readShardInfo, type ShardInfo } from "../release/shardInfo.js";
import { type ShardRow, shardColumns } from "../release/shardTable.js";
import { TarScanner } from "../tar/tarScanner.js";
import type { ReleaseProblem } from "./problem.js";

/** Looks at a picture's bytes; a string says what is wrong with it. */
export type PictureCheck = (picture: Buffer, extension: string) => string | null | Promise<string | null>;

const pictureExtensions = new Set(["jpg", "jpeg", "png", "webp"]);

/** The first bytes of the formats that a shard may hold. */
const signatures: [string, RegExp][] = [
  ["jpg", /^\xff\xd8\xff/],
  ["jpeg", /^\xff\xd8\xff/],
  ["png", /^\x89PNG\r\n\x1a\n/],
  ["webp", /^RIFF[^]{4}WEBP/],
];

/** Whether the first bytes are those of the format that the name claims. */
export function checkSignature(picture: Buffer, extension: string): string | null {
  const signature = signatures.find(([name]) => name === extension)?.[1];
  return signature?.test(picture.toString("latin1", 0, 16)) === true ? null : `its bytes are no ${extension}`;
}

export interface VerifiedShard {
  /** From the parquet; null where that can't be read. */
  info: ShardInfo | null;
  rows: ShardRow[];
  sha256: string;
  parquetSha256: string;
}

/** Compares one sample's members with the row of the parquet. */
function sampleProblems(group: MemberGroup, row: ShardRow | undefined): [ReleaseProblem["kind"], string][] {
  const { key, members } = group;
  const problems: [ReleaseProblem["kind"], string][] = [];
  const pictures = [...members.keys()].filter((extension) => pictureExtensions.has(extension));
  if (pictures.length !== 1) problems.push(["pairing", `${key} has ${pictures.length} pictures`]);
  for (const extension of ["txt", "json"]) {
    if (!members.has(extension)) problems.push(["pairing", `${key} has no .${extension}`]);
  }
  if (row === undefined) return problems;
  const text = members.get("txt")?.toString("utf8");
  if (text !== undefined && text !== row.caption) {
    problems.push(["record", `${key}.txt is not the caption in the parquet`]);
  }
  const record = members.get("json")?.toString("utf8");
  if (record !== undefined && record !== JSON.stringify(row)) {
    problems.push(["record", `${key}.json is not the row in the parquet`]);
  }
  return problems;
}

/** Checks one shard: its parquet, then every member of its tar against it. */
export async function verifyShard(
  store: Store,
  name: string,
  keysSeen: Set<string>,
  checkPicture: PictureCheck,
  report: (problem: ReleaseProblem) => void,
): Promise<VerifiedShard> {
  const [tar, parquet] = [`${name}.tar`, `${name}.parquet`];
  const table = await store.get(parquet);
  const result: VerifiedShard = {
    info: null,
    rows: [],
    sha256: "",
    parquetSha256: createHash("sha256").update(table).digest("hex"),
  };
  try {
    result.info = readShardInfo(table);
    result.rows = (await decodeTable(shardColumns, table)).rows;
  } catch (error) {
    if (!(error instanceof TableDamagedError)) throw error;
    report({ kind: "parquet", file: parquet, says: error.message });
  }
  const tableRead = result.info !== null;
  const rowOf = new Map(result.rows.map((row) => [row.key, row]));
  const keys: string[] = [];
  const hash = createHash("sha256");
  const grouper = new MemberGrouper();
  const scanner = new TarScanner({
    onProblem: ({ offset, says }) => report({ kind: "tar", file: tar, says: `${says} (byte ${offset})` }),
  });
  const check = async (groups: MemberGroup[]) => {
    for (const group of groups) {
      const { key, members } = group;
      const row = rowOf.get(key);
      keys.push(key);
      if (keysSeen.has(key)) report({ kind: "key", file: tar, says: `${key} is there twice` });
      keysSeen.add(key);
      if (tableRead && row === undefined)
        report({ kind: "key", file: tar, says: `${key} is not in ${parquet}` });
      for (const [kind, says] of sampleProblems(group, row)) report({ kind, file: tar, says });
      for (const [extension, data] of members) {
        if (!pictureExtensions.has(extension)) continue;
        const wrong = await checkPicture(data, extension);
        if (wrong !== null) report({ kind: "picture", file: tar, says: `${key}.${extension}: ${wrong}` });
      }
    }
  };
  for await (const chunk of await store.read(tar)) {
    hash.update(chunk as Buffer);
    const entries = scanner.push(chunk as Buffer);
    for (const { name: member } of entries) {
      if (splitMemberName(member) === null)
        report({ kind: "pairing", file: tar, says: `${member} has no key` });
    }
    await check(grouper.push(entries));
  }
  scanner.end();
  await check(grouper.end());
  result.sha256 = hash.digest("hex");
  const inTar = new Set(keys);
  for (const { key } of result.rows) {
    if (!inTar.has(key)) report({ kind: "pairing", file: tar, says: `${key} is in ${parquet} only` });
  }
  if (keys.some((key, i) => i > 0 && (keys[i - 1] as string) >= key)) {
    report({ kind: "key", file: tar, says: "its keys are not in order" });
  }
  return result;
}
