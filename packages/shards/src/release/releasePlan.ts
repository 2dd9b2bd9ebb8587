import {
  barListRef,
  type BarListRef,
  UserError,
  type RejectedRow,
  type ReleaseSample,
} from "@pairloom/config";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { z } from "zod";
import { type Column, decodeTable, encodeTable, TableDamagedError } from "../parquet/table.js";
import { rejectedColumns, sampleColumns } from "./planTables.js";
import { shardName } from "./shardName.js";

const rejectedPerFile = 100_000;

const planSummary = z.strictObject({
  version: z.literal(1),
  /** Says what the release is made from: plans of equal id hold the same. */
  id: z.string().min(1),
  samplesPerShard: z.int().min(1),
  shards: z.int().min(0),
  samples: z.int().min(0),
  rejected: z.int().min(0),
  rejectedFiles: z.int().min(0),
  candidates: z.int().min(0),
  /** Whatever shaped the release: goes into the data card as it is. */
  settings: z.unknown(),
  /** The blocklists and evaluation sets that were applied. */
  lists: z.array(barListRef).default([]),
});
/** `plans/<name>/plan.json`: the commit point of a plan. */
export type PlanSummary = z.infer<typeof planSummary>;

export interface PlanInput {
  /** Asked when all samples and rejected rows have been gone through. */
  id: () => string;
  samplesPerShard: number;
  /** Distinct candidates that were decided on: the sum of the two lists. */
  candidates: number;
  settings: unknown;
  lists?: readonly BarListRef[];
  /** In the order of their keys. */
  samples: Iterable<ReleaseSample> | AsyncIterable<ReleaseSample>;
  rejected: Iterable<RejectedRow> | AsyncIterable<RejectedRow>;
}

const planFile = (plan: string) => `plans/${plan}/plan.json`;
const shardFile = (plan: string, shard: number) => `plans/${plan}/${shardName(shard)}.parquet`;
const rejectedFile = (plan: string, file: number) => `plans/${plan}/rejected/${shardName(file)}.parquet`;

/** Publishes rows in files of `perFile`; returns how many rows and files. */
async function publishInFiles<Row>(
  store: Store,
  columns: readonly Column<Row>[],
  rows: Iterable<Row> | AsyncIterable<Row>,
  perFile: number,
  nameOf: (file: number) => string,
): Promise<{ rows: number; files: number }> {
  let batch: Row[] = [];
  let [count, files] = [0, 0];
  const flush = async () => {
    if (batch.length === 0) return;
    await store.publish(nameOf(files), encodeTable(columns, batch));
    files++;
    batch = [];
  };
  for await (const row of rows) {
    batch.push(row);
    count++;
    if (batch.length === perFile) await flush();
  }
  await flush();
  return { rows: count, files };
}

/**
 * Publishes what a release will hold, one parquet a shard, so that its shards can be written by jobs that know
 * nothing of each other. The summary comes last; a plan that is there already stays.
 * @throws UserError "release_name_taken" where another plan has the name; Error where kept + rejected ≠ candidates
 */
export async function writePlan(store: Store, plan: string, input: PlanInput): Promise<PlanSummary> {
  const { samplesPerShard, candidates, settings } = input;
  const there = await findPlan(store, plan);
  if (there !== null) {
    for await (const _ of input.samples);
    for await (const _ of input.rejected);
    return sameRelease(there, input.id(), plan);
  }
  const kept = await publishInFiles(store, sampleColumns, input.samples, samplesPerShard, (file) =>
    shardFile(plan, file),
  );
  const rejected = await publishInFiles(store, rejectedColumns, input.rejected, rejectedPerFile, (file) =>
    rejectedFile(plan, file),
  );
  if (kept.rows + rejected.rows !== candidates) {
    throw new Error(`Expected ${candidates} candidates, got ${kept.rows} kept and ${rejected.rows} rejected`);
  }
  const id = input.id();
  const summary: PlanSummary = {
    version: 1,
    id,
    samplesPerShard,
    shards: kept.files,
    samples: kept.rows,
    rejected: rejected.rows,
    rejectedFiles: rejected.files,
    candidates,
    settings,
    lists: [...(input.lists ?? [])],
  };
  await store.publish(planFile(plan), Buffer.from(JSON.stringify(summary, null, 2) + "\n"));
  return sameRelease(await readPlan(store, plan), id, plan);
}

function sameRelease(summary: PlanSummary, id: string, plan: string): PlanSummary {
  if (summary.id === id) return summary;
  throw new UserError("release_name_taken", `The release "${plan}" is there already, made from other input`, {
    hint: "Give the new release another name, or delete the old one with its plan.",
  });
}

/** Null where there is none yet. */
export async function findPlan(store: Store, plan: string): Promise<PlanSummary | null> {
  try {
    return await readPlan(store, plan);
  } catch (error) {
    if (error instanceof BlobNotFoundError) return null;
    throw error;
  }
}

function damaged(store: Store, file: string, cause: unknown): UserError {
  return new UserError("plan_corrupt", `${file} in ${store.url} is damaged: ${(cause as Error).message}`, {
    hint: "Delete the plan's folder and make the release again: it is made from the segments alone.",
    cause,
  });
}

/** @throws BlobNotFoundError where the plan isn't whole yet; UserError where it is damaged */
export async function readPlan(store: Store, plan: string): Promise<PlanSummary> {
  const bytes = await store.get(planFile(plan));
  try {
    return planSummary.parse(JSON.parse(bytes.toString("utf8")));
  } catch (cause) {
    throw damaged(store, planFile(plan), cause);
  }
}

async function readRows<Row>(store: Store, columns: readonly Column<Row>[], file: string): Promise<Row[]> {
  const bytes = await store.get(file);
  try {
    return (await decodeTable(columns, bytes)).rows;
  } catch (cause) {
    if (cause instanceof TableDamagedError) throw damaged(store, file, cause);
    throw cause;
  }
}

/** The samples of one shard, in order. @throws BlobNotFoundError, UserError */
export async function readPlanShard(store: Store, plan: string, shard: number): Promise<ReleaseSample[]> {
  return readRows(store, sampleColumns, shardFile(plan, shard));
}

/** One of the plan's files of rejected rows, and its bytes. @throws BlobNotFoundError, UserError */
export async function readPlanRejected(
  store: Store,
  plan: string,
  file: number,
): Promise<{ rows: RejectedRow[]; bytes: Buffer }> {
  const name = rejectedFile(plan, file);
  return { rows: await readRows(store, rejectedColumns, name), bytes: await store.get(name) };
}
