import type { Store } from "@pairloom/storage";
import type { QuarantineReason } from "../reader/quarantine.js";
import { sampleOfGroup } from "../reader/shardSample.js";
import { readPlainTable } from "../parquet/plainTable.js";
import type { ReleaseProblem, Report } from "./problem.js";
import {
  type OnNote,
  type PictureCheck,
  type ScannedTar,
  type SampleProblem,
  scanShard,
} from "./scanShard.js";
import { verifyStats } from "./verifyStats.js";

/** As many extensions of a key are remembered where its members stand apart. */
const mostExtensions = 32;

const kinds: Partial<Record<QuarantineReason, ReleaseProblem["kind"]>> = {
  empty_picture: "picture",
  record_unreadable: "record",
  text_unreadable: "record",
  sidecar_too_large: "record",
};

/**
 * Checks a shard that another program wrote (img2dataset, webdataset): its tar by itself, and its parquet and
 * statistics as far as they are there. Keys may stand in any order.
 */
export async function verifyPlainShard(
  store: Store,
  name: string,
  there: ReadonlySet<string>,
  checkPicture: PictureCheck,
  report: Report,
  onBytes: (bytes: number, samples: number) => void,
  onNote: OnNote,
): Promise<ScannedTar> {
  const [tar, parquet, stats] = [`${name}.tar`, `${name}.parquet`, `${name}_stats.json`];
  /** The extensions of each key. */
  const here = new Map<string, string[]>();
  /** Samples whose caption is in KEY.json alone. */
  const inRecord: string[] = [];
  let texts = 0;
  const scanned = await scanShard(
    store,
    tar,
    (group) => {
      const { key } = group;
      const problems: SampleProblem[] = [];
      const sample = sampleOfGroup(group, ({ damaged, says }) => {
        if (damaged) problems.push(["record", `${key}: ${says}; readers go on without it`]);
        else onNote("record_dropped");
      });
      const extensions = [...group.members.keys()];
      const before = here.get(key);
      if (before !== undefined) problems.unshift(["key", whyTwice(key, before, extensions)]);
      if (before === undefined) here.set(key, extensions);
      else if (before.length < mostExtensions)
        before.push(...extensions.filter((one) => !before.includes(one)).slice(0, mostExtensions));
      if (group.members.has("txt")) texts++;
      else if (!("reason" in sample)) inRecord.push(key);
      if ("reason" in sample) problems.push([kinds[sample.reason] ?? "pairing", `${key}: ${sample.says}`]);
      return problems;
    },
    checkPicture,
    report,
    onBytes,
    onNote,
  );
  // Our reader takes the caption of KEY.json; others pass over such a sample, among samples that have a text.
  if (texts > 0) for (const key of inRecord) report("pairing", tar, `${key} has no .txt, others have`, key);
  let rows: number | null = null;
  if (there.has(parquet)) {
    const table = await readPlainTable(await store.get(parquet), ["key", "status"]);
    if ("says" in table) report("parquet", parquet, table.says);
    else {
      rows = table.rows.length;
      const kept = new Set(
        table.rows.filter(({ status }) => status === "success").map(({ key }) => String(key)),
      );
      for (const key of here.keys())
        if (!kept.has(key)) report("key", tar, `${key} is no success in ${parquet}`, key);
      for (const key of kept) if (!here.has(key)) report("pairing", tar, `${key} is in ${parquet} only`, key);
    }
  }
  if (there.has(stats)) await verifyStats(store, stats, { successes: here.size, count: rows }, report);
  return scanned;
}

const whyTwice = (key: string, before: readonly string[], now: readonly string[]): string =>
  now.some((extension) => before.includes(extension))
    ? `${key} is there twice`
    : `the members of ${key} stand apart: readers make two samples of them (write a sample's members side by side)`;
