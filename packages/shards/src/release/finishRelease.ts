import type { Buffer } from "node:buffer";
import { UserError } from "@pairloom/config/errors";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { decodeTable } from "../parquet/table.js";
import { sha256Of } from "../sha256Of.js";
import { cardPages, sealedCard } from "./cardPages.js";
import { dataCard, type DataCard, type ReleaseCounts } from "./dataCard.js";
import { countSamples, emptyCounts } from "./releaseCounts.js";
import { cardFile, sizesFile, widsIndex } from "./releaseSidecars.js";
import { type PlanSummary, readPlan, readPlanRejected } from "./releasePlan.js";
import { readShardInfo, type ShardInfo } from "./shardInfo.js";
import { shardName } from "./shardName.js";
import { shardColumns } from "./shardTable.js";

const folderTaken = (file: string, to: Store) =>
  new UserError("release_folder_taken", `${file} in ${to.url} belongs to another release`, {
    hint: "Write this release to another folder, or delete that one.",
  });

/** Nothing of another release may lie where this one goes. */
async function checkFolder(to: Store, plan: PlanSummary): Promise<void> {
  if ((await to.stat("datacard.json")) === null) return;
  const there = JSON.parse((await to.get("datacard.json")).toString("utf8")) as Partial<DataCard>;
  if (there.release !== plan.id) throw folderTaken("datacard.json", to);
}

async function readShards(to: Store, plan: PlanSummary, counts: ReleaseCounts) {
  const shards: (ShardInfo & { parquetSha256: string })[] = [];
  for (let shard = 0; shard < plan.shards; shard++) {
    const file = `${shardName(shard)}.parquet`;
    const bytes = await to.get(file).catch((cause: unknown) => {
      if (!(cause instanceof BlobNotFoundError)) throw cause;
      throw new UserError("release_unfinished", `${file} is missing in ${to.url}`, {
        hint: "Write all the shards of the release first.",
        cause,
      });
    });
    const info = readShardInfo(bytes);
    if (info.release !== plan.id) throw folderTaken(file, to);
    shards.push({ ...info, parquetSha256: sha256Of(bytes) });
    countSamples(counts, (await decodeTable(shardColumns, bytes)).rows);
  }
  return shards;
}

async function publishRejected(
  from: Store,
  name: string,
  to: Store,
  plan: PlanSummary,
  counts: ReleaseCounts,
) {
  const files: DataCard["rejectedFiles"] = [];
  for (let i = 0; i < plan.rejectedFiles; i++) {
    const { rows, bytes } = await readPlanRejected(from, name, i);
    const file = `rejected/${shardName(i)}.parquet`;
    await to.publish(file, bytes);
    files.push({ file, rows: rows.length, sha256: sha256Of(bytes) });
    for (const { reason } of rows) counts.reasons.add(reason);
  }
  return files;
}

/** Publishes the card's pages; returns those that are there, which another version may have written before it was killed. */
async function publishPages(card: DataCard, to: Store): Promise<Map<string, Buffer>> {
  const pages = cardPages(card);
  for (const [file, bytes] of pages)
    if ((await to.publish(file, bytes)) === "exists") pages.set(file, await to.get(file));
  return pages;
}

/**
 * Publishes what stands beside a release's shards, all of which must be written: `rejected/`, the wids index, a
 * README for dataset hosts, the data card with their hashes and, last, `sizes.json`. Done again it changes nothing.
 * @param plan the plan's name in `from`
 * @throws UserError where a shard is missing or of another release
 */
export async function finishRelease(from: Store, plan: string, to: Store): Promise<DataCard> {
  const summary = await readPlan(from, plan);
  await checkFolder(to, summary);
  const counts = emptyCounts();
  const shards = await readShards(to, summary, counts);
  const rejectedFiles = await publishRejected(from, plan, to, summary, counts);
  await to.publish("index.json", widsIndex(plan, shards));
  const content = dataCard({ name: plan, plan: summary, shards, rejectedFiles, counts });
  const card = sealedCard(content, await publishPages(content, to));
  await to.publish("datacard.json", cardFile(card));
  await to.publish("sizes.json", sizesFile(shards));
  return card;
}
