import type { Store } from "@pairloom/storage";
import { z } from "zod";
import type { QuarantineReason } from "../reader/quarantine.js";
import { sampleOfGroup } from "../reader/shardSample.js";
import { readPlainTable } from "../parquet/plainTable.js";
import type { ReleaseProblem, Report } from "./problem.js";
import { type PictureCheck, type ScannedTar, scanShard } from "./scanShard.js";

const kinds: Partial<Record<QuarantineReason, ReleaseProblem["kind"]>> = {
  empty_picture: "picture",
  record_unreadable: "record",
  text_unreadable: "record",
  sidecar_too_large: "record",
};

const statsSchema = z.looseObject({ count: z.int(), successes: z.int() });

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
): Promise<ScannedTar> {
  const [tar, parquet, stats] = [`${name}.tar`, `${name}.parquet`, `${name}_stats.json`];
  const here = new Set<string>();
  const scanned = await scanShard(
    store,
    tar,
    (group) => {
      const sample = sampleOfGroup(group);
      const repeated = here.has(group.key);
      here.add(group.key);
      return [
        ...(repeated ? [["key", `${group.key} is there twice`] as ["key", string]] : []),
        ...("reason" in sample
          ? [[kinds[sample.reason] ?? "pairing", `${group.key}: ${sample.says}`] as ["pairing", string]]
          : []),
      ];
    },
    checkPicture,
    report,
    onBytes,
  );
  let rows: number | null = null;
  if (there.has(parquet)) {
    const table = await readPlainTable(await store.get(parquet), ["key", "status"]);
    if ("says" in table) report("parquet", parquet, table.says);
    else {
      rows = table.rows.length;
      const kept = new Set(
        table.rows.filter(({ status }) => status === "success").map(({ key }) => String(key)),
      );
      for (const key of here)
        if (!kept.has(key)) report("key", tar, `${key} is no success in ${parquet}`, key);
      for (const key of kept) if (!here.has(key)) report("pairing", tar, `${key} is in ${parquet} only`, key);
    }
  }
  if (there.has(stats)) {
    try {
      const { count, successes } = statsSchema.parse(JSON.parse((await store.get(stats)).toString("utf8")));
      if (successes !== here.size) report("count", stats, `it counts ${successes} of ${here.size} samples`);
      if (rows !== null && count !== rows) report("count", stats, `it counts ${count} of ${rows} rows`);
    } catch (error) {
      report("count", stats, `it can't be read: ${(error as Error).message.slice(0, 200)}`);
    }
  }
  return scanned;
}
