import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import { DiskFullError, isDiskFull, type ReleaseSample, UserError } from "@pairloom/config";
import { type Store, writeAll } from "@pairloom/storage";
import { encodeTable } from "../parquet/table.js";
import { TarPacker } from "../tar/packTar.js";
import { picturesOf } from "./picturesOf.js";
import { readShardInfo, type ShardInfo, shardKey } from "./shardInfo.js";
import { shardName } from "./shardName.js";
import { shardStats } from "./shardStats.js";
import { shardRow, tableColumns } from "./shardTable.js";

export interface ShardJob {
  /** Holds the segments. */
  from: Store;
  /** The release's folder. */
  to: Store;
  /** `PlanSummary.id`: a folder holds the shards of one release only. */
  release: string;
  shard: number;
  /** In the order of their keys. */
  samples: readonly ReleaseSample[];
}

const taken = (file: string, to: Store) =>
  new UserError("release_folder_taken", `${file} in ${to.url} belongs to another release`, {
    hint: "Write this release to another folder, or delete that one.",
  });

const extensionOf = (member: string): string => extname(member).toLowerCase();

async function hashesOf(chunks: AsyncIterable<Uint8Array>): Promise<{ sha256: string; md5: string }> {
  const [sha256, md5] = [createHash("sha256"), createHash("md5")];
  for await (const chunk of chunks) {
    sha256.update(chunk);
    md5.update(chunk);
  }
  return { sha256: sha256.digest("hex"), md5: md5.digest("hex") };
}

/** Packs the shard's tar into a local file: KEY.jpg, KEY.txt and KEY.json of each sample side by side. */
async function packShard(
  path: string,
  job: ShardJob,
): Promise<{ tar: Pick<ShardInfo, "bytes" | "sha256" | "md5">; pictures: string[] }> {
  const pictures: string[] = [];
  const packer = new TarPacker();
  const [sha256, md5] = [createHash("sha256"), createHash("md5")];
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const { sample, picture } of picturesOf(job.from, job.samples)) {
      const { key, member, caption } = sample;
      pictures.push(createHash("sha256").update(picture).digest("hex"));
      yield* packer.add(`${key}${extensionOf(member)}`, picture);
      yield* packer.add(`${key}.txt`, Buffer.from(caption));
      yield* packer.add(`${key}.json`, Buffer.from(JSON.stringify(shardRow(sample))));
    }
    yield* packer.end();
  }
  const handle = await open(path, "wx");
  try {
    async function* hashed(): AsyncGenerator<Buffer> {
      for await (const chunk of chunks()) {
        sha256.update(chunk);
        md5.update(chunk);
        yield chunk;
      }
    }
    await writeAll(handle, hashed());
  } finally {
    await handle.close();
  }
  const tar = { bytes: packer.offset, sha256: sha256.digest("hex"), md5: md5.digest("hex") };
  return { tar, pictures };
}

/**
 * Writes one shard of a release: NNNNN.tar, NNNNN_stats.json and, as the commit point, NNNNN.parquet. Equal samples
 * and segments give equal bytes; a shard that is there already is left as it is.
 * @throws CorruptSegmentError, DiskFullError; UserError "release_folder_taken"
 */
export async function writeShard(job: ShardJob): Promise<ShardInfo> {
  const { to, shard, samples, release } = job;
  const name = shardName(shard);
  if ((await to.stat(`${name}.parquet`)) !== null) {
    const info = readShardInfo(await to.get(`${name}.parquet`));
    if (info.release !== release) throw taken(`${name}.parquet`, to);
    return info;
  }
  const scratch = await to.scratch();
  try {
    const path = join(scratch, `${name}.tar`);
    const { tar, pictures } = await packShard(path, job);
    if ((await to.publishFile(`${name}.tar`, path)) === "exists") {
      const there = await hashesOf(await to.read(`${name}.tar`));
      if (there.sha256 !== tar.sha256) throw taken(`${name}.tar`, to);
    }
    const extensions = [...new Set(samples.map(({ member }) => extensionOf(member).slice(1)))].sort();
    const info: ShardInfo = {
      version: 1,
      release,
      tar: `${name}.tar`,
      samples: samples.length,
      pictures: extensions,
      ...tar,
    };
    await to.publish(`${name}_stats.json`, shardStats(samples.length));
    const rows = samples.map((sample, i) => ({
      ...shardRow(sample),
      stored_sha256: pictures[i] as string,
    }));
    const metadata = { [shardKey]: JSON.stringify(info) };
    await to.publish(`${name}.parquet`, encodeTable(tableColumns, rows, metadata));
    return info;
  } catch (error) {
    throw isDiskFull(error) ? new DiskFullError(`${name}.tar in ${to.url}`, error) : error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
