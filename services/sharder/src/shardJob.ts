import { createHash } from "node:crypto";
import { expandReport, UserError } from "@pairloom/config";
import { decideRelease, type ReleaseDecision, type Association, type SegmentedRow } from "@pairloom/dedupe";
import { QueryMatcher } from "@pairloom/querylist";
import type { Road } from "@pairloom/queue";
import {
  finishRelease,
  readPlan,
  readPlanShard,
  readSegmentRows,
  shardName,
  writePlan,
  writeShard,
} from "@pairloom/shards";
import { readLines, storeBelow, type Store } from "@pairloom/storage";
import { readBarLists } from "./barLists.js";
import { readRequest, type ReleaseRequest } from "./releaseRequest.js";

export interface ShardContext {
  road: Road;
  store: Store;
}

/**
 * Runs one step of a release: its plan, one of its shards, or its end. Each may run again at any time: what is
 * published stays. The plan hands on the shards; the shard that finds all others written hands on the end.
 */
export async function shardJob(
  { road, store }: ShardContext,
  { data: { release, part } }: { data: { release: string; part: "plan" | "finish" | number } },
): Promise<void> {
  const finish = { id: `s-${release}-finish`, data: { release, part: "finish" as const } };
  const to = storeBelow(store, `releases/${release}`);
  if (part === "plan") {
    const { shards } = await planRelease(store, await readRequest(store, release));
    const jobs = Array.from({ length: shards }, (_, shard) => ({
      id: `s-${release}-shard${shard}`,
      data: { release, part: shard },
    }));
    await road.add("sharder", shards === 0 ? [finish] : jobs);
    return;
  }
  if (part === "finish") {
    await finishRelease(store, release, to);
    return;
  }
  const plan = await readPlan(store, release);
  await writeShard({
    from: store,
    to,
    release: plan.id,
    shard: part,
    samples: await readPlanShard(store, release, part),
  });
  for (let shard = 0; shard < plan.shards; shard++)
    if ((await to.stat(`${shardName(shard)}.parquet`)) === null) return;
  await road.add("sharder", [finish]);
}

/**
 * Names what a release holds, whatever the segments it came from: two crawls that found the same give the same id,
 * so it may stand in the release's files.
 */
function contentId(
  { settings, side, lists }: Pick<ReleaseRequest, "settings" | "side" | "lists">,
  decision: ReleaseDecision,
): string {
  const hash = createHash("sha256").update(JSON.stringify([settings, side, lists]));
  for (const { segment: _segment, member: _member, ...sample } of decision.samples)
    hash.update(JSON.stringify(sample));
  for (const row of decision.rejected) hash.update(JSON.stringify(row));
  return hash.digest("hex").slice(0, 16);
}

async function planRelease(store: Store, request: ReleaseRequest) {
  const rows: SegmentedRow[] = [];
  for (const segment of request.segments)
    for (const row of await readSegmentRows(store, segment)) rows.push({ segment, row });
  const associations: Association[] = [];
  for (const name of request.expansions)
    for (const report of await readLines(store, name, (value) => expandReport.parse(value)))
      associations.push(...report.queries);
  const { settings, side, lists } = request;
  const textQueries = new QueryMatcher(new Set(associations.map(({ query }) => query)));
  const decision = decideRelease(rows, associations, settings, {
    side,
    textQueries,
    blocklist: await readBarLists(store, lists, "blocklist"),
    contamination: await readBarLists(store, lists, "decontaminate"),
  });
  // Lines for people differ from run to run ("reset" or "closed", milliseconds): they stay in the segments.
  decision.rejected = decision.rejected.map((row) => ({ ...row, errorMessage: null }));
  if (decision.samples.length === 0)
    throw new UserError("release_empty", "Nothing is left to release", {
      hint: `Of ${decision.counts.candidates} candidates: ${JSON.stringify(decision.counts.rejected)}`,
    });
  return writePlan(store, request.name, {
    id: contentId(request, decision),
    samplesPerShard: settings.samplesPerShard,
    candidates: decision.counts.candidates,
    settings: { side, ...settings },
    lists,
    samples: decision.samples,
    rejected: decision.rejected,
  });
}
