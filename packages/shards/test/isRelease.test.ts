import { cp, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@pairloom/storage";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesOf } from "../src/verify/verifyRelease.js";
import { isRelease } from "../src/verify/isRelease.js";
import { makeSmallRelease } from "./smallRelease.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-layout-"));
  await makeSmallRelease(await openStore(root), 60);
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with some of the release's files. */
async function withFiles(...files: string[]): Promise<string> {
  const at = await mkdtemp(join(root, "folder-"));
  for (const file of files) await cp(join(root, "release", file), join(at, file));
  return at;
}

/** Another program's table of some megabytes. */
function foreignTable(): Buffer {
  const urls = Array.from(
    { length: 40_000 },
    (_, i) => `https://host${i}.example/${"x".repeat(40)}/${i}.jpg`,
  );
  const bytes = parquetWriteBuffer({
    columnData: [{ name: "url", data: urls, type: "STRING" }],
    codec: "UNCOMPRESSED",
  });
  return Buffer.from(bytes);
}

/** The answer, and how many bytes were asked for. */
async function ask(at: string): Promise<{ release: boolean; read: number }> {
  const store = await openStore(at, { readOnly: true });
  let read = 0;
  const counting: Store = Object.assign(Object.create(store) as Store, {
    get: () => Promise.reject(new Error("a whole file was read")),
    read: (name: string, range?: { start?: number; end?: number }) => {
      read += (range?.end ?? Number.NaN) - (range?.start ?? 0);
      return store.read(name, range);
    },
  });
  return { release: await isRelease(counting, await filesOf(store)), read };
}

describe("whether a folder is a release", () => {
  it.each([["datacard.json"], ["datacard.md"], ["rejected/00000.parquet"]])("%s says yes", async (file) => {
    expect(await ask(await withFiles("00000.tar", file))).toEqual({ release: true, read: 0 });
  });

  it("a shard's table says yes by its footer, also where its pages or the table before it are damaged", async () => {
    const at = await withFiles("00000.tar", "00001.parquet");
    await writeFile(join(at, "00000.parquet"), "PAR1 gone");
    expect((await ask(at)).release).toBe(true);
  });

  it("of another program's tables one footer is read, not one file", async () => {
    const at = await withFiles("00000.tar");
    const table = foreignTable();
    expect(table.length).toBeGreaterThan(2e6);
    for (const shard of ["00000", "00001", "00002"]) await writeFile(join(at, `${shard}.parquet`), table);
    const { release, read } = await ask(at);
    expect(release).toBe(false);
    expect(read).toBeLessThan(200_000);
  });

  it("tables that are cut off, empty or claim too much say nothing", async () => {
    const at = await withFiles("00000.tar", "00000.parquet");
    await truncate(join(at, "00000.parquet"), 1000);
    await writeFile(join(at, "00001.parquet"), "");
    await writeFile(join(at, "00002.parquet"), Buffer.concat([Buffer.alloc(20), Buffer.from("\xff\xff\xff\x7fPAR1", "latin1")])); // prettier-ignore
    expect((await ask(at)).release).toBe(false);
  });
});
