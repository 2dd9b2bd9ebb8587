import { setMaxListeners } from "node:events";
import { createWriteStream } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { mayPass, type Reason, reasonNames, UserError } from "@pairloom/config";
import { scanTar, TarPacker } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";
import {
  type FileColumn,
  openParquetTable,
  ParquetFile,
  type ParquetTable,
  storedTable,
} from "@pairloom/tables";
import type { AdmissionWindow } from "./admissionWindow.js";
import { type ListContext, openWindow } from "./fetchList.js";
import { fetchRow } from "./fetchRow.js";
import type { ListSettings } from "./listSettings.js";
import { type RowOutcome, statusOf } from "./rowOutcome.js";
import type { SampleRecord } from "./write/sampleTable.js";
import { doneShards, publishShard, shardFileName } from "./write/shardPlace.js";
import { shardStats } from "./write/shardStats.js";
import { membersOf } from "./write/shardWriter.js";

/** A row of a finished shard, fetched again. */
interface Retried {
  record: SampleRecord;
  picture: Buffer | null;
}

/**
 * Fetches again the rows of finished shards that failed for a reason that may pass, and rewrites each shard in which
 * one ended otherwise; rows keep their keys. Stopped at any moment it can be run again.
 * @throws UserError where the folder has no shards
 */
export async function retryFailed(context: ListContext): Promise<void> {
  const { store, settings, tally } = context;
  if (settings.verifyHash !== null)
    throw new UserError(
      "retry_verify_hash",
      "--retry-failed can't verify hashes: failed rows don't keep them",
      {
        hint: "Leave out --verify_hash, or fetch the list again into another folder.",
      },
    );
  const shards = [...(await doneShards(store))].sort((a, b) => a - b);
  if (shards.length === 0)
    throw new UserError("no_shards", `There are no finished shards in ${settings.outputFolder}`, {
      hint: "Run the command without --retry-failed first.",
    });
  tally.position.totalBytes = shards.length;
  const window = openWindow(context, 100_000);
  try {
    for (const shard of shards) {
      await retryShard(context, shard, window);
      tally.position.bytes++;
    }
  } finally {
    window.close();
  }
}

async function retryShard(context: ListContext, shard: number, window: AdmissionWindow): Promise<void> {
  const { store, settings, tally, signal } = context;
  const startMs = Date.now();
  const name = shardFileName(shard, settings);
  const table = await openTable(store, `${name}.parquet`, settings);
  const retried = new Map<string, Retried>();
  const running: Promise<void>[] = [];
  const failure = new AbortController();
  const both = AbortSignal.any([signal, failure.signal]);
  // Every row under way listens.
  setMaxListeners(0, both);
  for await (const batch of table.read(0)) {
    for (const values of batch) {
      const record = table.record(values);
      if (!isWorthATry(record)) continue;
      await window.enter();
      both.throwIfAborted();
      tally.open++;
      const row = { url: textOf(record["url"]), caption: textOf(record["caption"]), hash: null, more: [] };
      const one = fetchRow(row, { ...context, signal: both, decode: window.decode, hold: window.hold })
        .then((outcome) => {
          tally.count(outcome);
          retried.set(String(record["key"]), { record: renewed(record, outcome), picture: outcome.picture });
        })
        .finally(() => window.leave());
      one.catch((error: unknown) => failure.abort(error));
      running.push(one);
    }
  }
  await Promise.all(running);
  if (![...retried.values()].some(({ record, picture }) => picture !== null || !isWorthATry(record))) return;
  const scratch = await store.scratch();
  try {
    const reasons = await rewriteShard(context, table, scratch, name, retried);
    await publishShard(store, scratch, shard, settings, shardStats(reasons, startMs, Date.now()));
    tally.shards++;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

const reasonOf = (record: SampleRecord): Reason | null =>
  record["status"] === "success"
    ? null
    : (reasonNames.find((name) => name === record["error_message"]) ?? "protocol_error");

function isWorthATry(record: SampleRecord): boolean {
  const reason = reasonOf(record);
  return reason !== null && mayPass(reason);
}

/** The record with the new outcome in the columns that it has. */
function renewed(record: SampleRecord, outcome: RowOutcome): SampleRecord {
  const now: SampleRecord = {
    status: statusOf(outcome.reason),
    error_message: outcome.reason,
    width: outcome.width,
    height: outcome.height,
    original_width: outcome.originalWidth,
    original_height: outcome.originalHeight,
    exif: outcome.exif,
    md5: outcome.hash,
    sha256: outcome.hash,
    sha512: outcome.hash,
    pdq: outcome.pdq,
    pdq_quality: outcome.pdqQuality,
  };
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, name in now ? now[name] : value]),
  );
}

interface ShardTable extends ParquetTable {
  fileColumns: FileColumn[];
  record(values: readonly unknown[]): SampleRecord;
}

async function openTable(store: Store, name: string, settings: ListSettings): Promise<ShardTable> {
  const info = await store.stat(name);
  if (info === null)
    throw new UserError("shard_incomplete", `${name} is missing in ${store.url}`, {
      hint: "Delete the shard's _stats.json and run the list again: the shard is then made anew.",
    });
  const batchRows = settings.outputFormat === "parquet" ? 500 : 20_000;
  const list = await openParquetTable(storedTable(store, info), "all", { batchRows });
  return {
    ...list,
    fileColumns: list.columns.map((column, at) => ({ name: column, type: list.types[at]! })),
    record: (values) => Object.fromEntries(list.columns.map((column, at) => [column, values[at]])),
  };
}

/** Writes the shard's files anew into `scratch`. @returns the reasons of all rows */
async function rewriteShard(
  { store, settings }: ListContext,
  table: ShardTable,
  scratch: string,
  name: string,
  retried: ReadonlyMap<string, Retried>,
): Promise<(Reason | null)[]> {
  const { encodeFormat } = settings.image;
  const { fileColumns: columns } = table;
  const members = () => newMembers(retried, settings, columns);
  if (settings.outputFormat === "webdataset") await rewriteTar(store, scratch, name, retried, members());
  if (settings.outputFormat === "files") await addFiles(store, scratch, name, members());
  const out = await ParquetFile.create(
    join(scratch, `${name}.parquet`),
    columns,
    settings.outputFormat === "parquet" ? 100 : 1000,
  );
  const reasons: (Reason | null)[] = [];
  try {
    for await (const batch of table.read(0)) {
      for (const values of batch) {
        const old = table.record(values);
        const now = retried.get(String(old["key"]));
        const record = now === undefined ? old : now.record;
        if (now !== undefined && encodeFormat in old) record[encodeFormat] = now.picture;
        reasons.push(reasonOf(record));
        await out.add(table.columns.map((column) => record[column]));
      }
    }
  } catch (error) {
    await out.abandon();
    throw error;
  }
  await out.close();
  return reasons;
}

async function rewriteTar(
  store: Store,
  scratch: string,
  name: string,
  retried: ReadonlyMap<string, Retried>,
  members: Iterable<[string, Buffer]>,
): Promise<void> {
  const packer = new TarPacker();
  async function* chunks(): AsyncGenerator<Buffer> {
    // A run that was stopped between tar and parquet left members of rows that are tried once more.
    for await (const { name: member, data } of scanTar(await store.read(`${name}.tar`)))
      if (!retried.has(member.slice(0, member.indexOf(".")))) yield* packer.add(member, data);
    for (const [member, data] of members) yield* packer.add(member, data);
    yield* packer.end();
  }
  await pipeline(chunks, createWriteStream(join(scratch, `${name}.tar`)));
}

/** New files join those that are there. */
async function addFiles(
  store: Store,
  scratch: string,
  name: string,
  members: Iterable<[string, Buffer]>,
): Promise<void> {
  for (const [member, data] of members) {
    const path = join(scratch, member);
    await writeFile(path, data);
    await store.replaceFile(`${name}/${member}`, path);
  }
}

/** The members of the pictures that were fetched this time. */
function* newMembers(
  retried: ReadonlyMap<string, Retried>,
  settings: ListSettings,
  columns: readonly FileColumn[],
): Generator<[string, Buffer]> {
  for (const { record, picture } of retried.values())
    if (picture !== null) yield* membersOf(record, picture, settings, columns);
}
