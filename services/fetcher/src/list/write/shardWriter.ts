import { mkdir, open, type FileHandle, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TarPacker } from "@pairloom/shards";
import { bytesColumn, type FileColumn, ParquetFile } from "@pairloom/tables";
import type { ListSettings } from "../listSettings.js";
import { recordText, type SampleRecord } from "./sampleTable.js";

/** A shard in the making, in a folder of its own. */
export interface ShardWriter {
  /** Takes a row when it is ready, in any order. @param picture null for a row that failed */
  add(record: SampleRecord, picture: Buffer | null): Promise<void>;
  /** Writes what is left: the shard's files are then whole. @param records of all rows, in the order of the list */
  finish(records: readonly SampleRecord[]): Promise<void>;
  /** Closes what is open; the files are of no use. */
  abandon(): Promise<void>;
}

/** Opens the writer of an output format. @param name the shard's number as its files have it */
export function openShardWriter(
  folder: string,
  name: string,
  settings: ListSettings,
  columns: readonly FileColumn[],
): Promise<ShardWriter> {
  switch (settings.outputFormat) {
    case "webdataset":
      return openWebdataset(folder, name, settings, columns);
    case "files":
      return openFiles(folder, name, settings, columns);
    case "parquet":
      return openParquet(folder, name, settings, columns);
  }
}

/** The members of a sample: KEY.jpg, KEY.json, and KEY.txt where captions are read. */
export function* membersOf(
  record: SampleRecord,
  picture: Buffer,
  settings: ListSettings,
  columns: readonly FileColumn[],
): Generator<[name: string, data: Buffer]> {
  const key = record["key"] as string;
  yield [`${key}.${settings.image.encodeFormat}`, picture];
  yield [`${key}.json`, Buffer.from(recordText(record, columns))];
  if (settings.captionCol !== null)
    yield [`${key}.txt`, Buffer.from((record["caption"] as string | null) ?? "")];
}

async function writeTable(
  path: string,
  columns: readonly FileColumn[],
  records: readonly SampleRecord[],
): Promise<void> {
  const table = await ParquetFile.create(path, columns);
  for (const record of records) await table.add(columns.map(({ name }) => record[name]));
  await table.close();
}

/** Writes chunks one after the other. */
class ChunkWriter {
  private last: Promise<unknown> = Promise.resolve();
  constructor(private readonly handle: FileHandle) {}

  write(chunks: readonly Buffer[]): Promise<unknown> {
    if (chunks.length > 0) {
      this.last = this.last.then(() => writeWhole(this.handle, chunks));
      this.last.catch(() => undefined);
    }
    return this.last;
  }
}

/** `writev` may write less than it was given. */
async function writeWhole(handle: FileHandle, chunks: readonly Buffer[]): Promise<void> {
  for (const chunk of chunks) await handle.writeFile(chunk);
}

async function openWebdataset(
  folder: string,
  name: string,
  settings: ListSettings,
  columns: readonly FileColumn[],
): Promise<ShardWriter> {
  const handle = await open(join(folder, `${name}.tar`), "w");
  const packer = new TarPacker();
  const out = new ChunkWriter(handle);
  return {
    async add(record, picture) {
      if (picture === null) return;
      const chunks: Buffer[] = [];
      for (const [member, data] of membersOf(record, picture, settings, columns))
        chunks.push(...packer.add(member, data));
      if (chunks.length > 0) await out.write(chunks);
    },
    async finish(records) {
      await out.write(packer.end());
      await handle.close();
      await writeTable(join(folder, `${name}.parquet`), columns, records);
    },
    abandon: () => handle.close().catch(() => undefined),
  };
}

async function openFiles(
  folder: string,
  name: string,
  settings: ListSettings,
  columns: readonly FileColumn[],
): Promise<ShardWriter> {
  await mkdir(join(folder, name), { recursive: true });
  return {
    async add(record, picture) {
      if (picture === null) return;
      for (const [member, data] of membersOf(record, picture, settings, columns))
        await writeFile(join(folder, name, member), data);
    },
    finish: (records) => writeTable(join(folder, `${name}.parquet`), columns, records),
    abandon: () => Promise.resolve(),
  };
}

/** Pictures in the parquet itself: rows in the order in which they were ready, 100 a row group. */
async function openParquet(
  folder: string,
  name: string,
  settings: ListSettings,
  columns: readonly FileColumn[],
): Promise<ShardWriter> {
  const all: FileColumn[] = [...columns, { name: settings.image.encodeFormat, type: bytesColumn }];
  const table = await ParquetFile.create(join(folder, `${name}.parquet`), all, 100);
  let last: Promise<void> = Promise.resolve();
  return {
    add(record, picture) {
      const values = [...columns.map(({ name: column }) => record[column]), picture];
      last = last.then(() => table.add(values));
      return last;
    },
    async finish() {
      await last;
      await table.close();
    },
    abandon: () => table.abandon(),
  };
}
