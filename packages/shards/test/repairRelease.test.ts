import { appendFile, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodeTable,
  encodeTable,
  packTar,
  repairRelease,
  scanTar,
  tableColumns,
  type TarMember,
  verifyRelease,
} from "../src/index.js";
import { filesOf } from "./filesOf.js";
import { makeSmallRelease } from "./smallRelease.js";

let root: string;
let intact: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-repair-"));
  await makeSmallRelease(await openStore(root), 60);
  intact = join(root, "release");
});
afterAll(() => rm(root, { recursive: true }));

async function copy(): Promise<string> {
  const at = await mkdtemp(join(root, "copy-"));
  await cp(intact, at, { recursive: true });
  return at;
}

const remove =
  (...files: string[]) =>
  async (at: string) => {
    for (const file of files) await rm(join(at, file), { recursive: true });
  };
const edit = (file: string, change: (text: string) => string) => async (at: string) =>
  writeFile(join(at, file), change(await readFile(join(at, file), "utf8")));

/** Damages of sidecars alone, and the files that are rebuilt. */
const mended: [string, (at: string) => Promise<void>, string[]][] = [
  ["a missing sizes.json", remove("sizes.json"), ["sizes.json"]],
  ["a wrong sizes.json", edit("sizes.json", (text) => text.replace("10", "9")), ["sizes.json"]],
  ["a sizes.json that is no JSON", edit("sizes.json", () => "{"), ["sizes.json"]],
  ["a missing index", remove("index.json"), ["index.json"]],
  [
    "another hash in the index",
    edit("index.json", (text) => text.replace(/"md5sum": "./, '"md5sum": "x')),
    ["index.json"],
  ],
  ["missing statistics", remove("00001_stats.json"), ["00001_stats.json"]],
  ["wrong statistics", edit("00001_stats.json", (text) => text.replaceAll("10", "9")), ["00001_stats.json"]],
  ["a missing table", remove("00002.parquet"), ["00002.parquet"]],
  ["a table that is none", edit("00002.parquet", () => "PAR1 gone"), ["00002.parquet"]],
  [
    "every table missing",
    remove("00000.parquet", "00001.parquet", "00002.parquet", "00003.parquet"),
    ["00000.parquet", "00001.parquet", "00002.parquet", "00003.parquet"],
  ],
  ["a missing data card", remove("datacard.json"), ["datacard.json"]],
  [
    "a data card with another count",
    edit("datacard.json", (text) => text.replace('"kept": ', '"kept": 1')),
    ["datacard.json"],
  ],
  [
    "a data card with another name, setting and lists",
    edit("datacard.json", (text) => text.replace('"small"', '"large"').replace('"seed": 0', '"seed": 1')),
    ["datacard.json"],
  ],
  [
    "a table whose bytes are others than the data card's",
    async (at) => {
      const table = await readFile(join(at, "00002.parquet"));
      const { rows, metadata } = await decodeTable(tableColumns, table);
      await writeFile(join(at, "00002.parquet"), encodeTable(tableColumns, rows, { ...metadata, more: "" }));
    },
    ["00002.parquet"],
  ],
  [
    "edited pages",
    async (at) => {
      await appendFile(join(at, "README.md"), "x");
      await rm(join(at, "datacard.md"));
    },
    ["datacard.md", "README.md"],
  ],
  [
    "no sidecar but a page and the rejected rows",
    async (at) => {
      for (const file of await readdir(at))
        if (!/^(\d+\.tar|README\.md|rejected)$/.test(file)) await rm(join(at, file));
    },
    [
      "00000_stats.json",
      "00000.parquet",
      "00001_stats.json",
      "00001.parquet",
      "00002_stats.json",
      "00002.parquet",
      "00003_stats.json",
      "00003.parquet",
      "index.json",
      "datacard.md",
      "datacard.json",
      "sizes.json",
    ],
  ],
];

/** Damages that no sidecar can mend, and the file that is named. */
const unmendable: [string, (at: string) => Promise<void>, { kind: string; file: string; key?: string }][] = [
  [
    "a flipped bit in a tar",
    async (at) => {
      const tar = await readFile(join(at, "00001.tar"));
      tar[700] = (tar[700] as number) ^ 4;
      await writeFile(join(at, "00001.tar"), tar);
    },
    { kind: "hash", file: "00001.tar" },
  ],
  [
    "a tar that is cut off",
    async (at) => {
      const tar = await readFile(join(at, "00001.tar"));
      await writeFile(join(at, "00001.tar"), tar.subarray(0, 9000));
    },
    { kind: "tar", file: "00001.tar" },
  ],
  ["a tar that is missing", remove("00003.tar"), { kind: "missing", file: "00003.tar" }],
  [
    "a tar twice",
    (at) => cp(join(at, "00000.tar"), join(at, "00004.tar")),
    { kind: "key", file: "00004.tar", key: "000000000" },
  ],
  ["rejected rows that are gone", remove("rejected"), { kind: "missing", file: "rejected/00000.parquet" }],
  [
    "rejected rows that are damaged",
    edit("rejected/00000.parquet", () => "gone"),
    { kind: "parquet", file: "rejected/00000.parquet" },
  ],
];

describe("the repair of a release", () => {
  it("changes nothing in an intact one", async () => {
    const before = await filesOf(intact);
    expect(await repairRelease(intact)).toMatchObject({
      layout: "release",
      rebuilt: [],
      left: [],
      shards: 4,
    });
    expect(await filesOf(intact)).toEqual(before);
  });

  it.each(mended)("rebuilds the bytes that were there: %s", async (_title, damage, files) => {
    const at = await copy();
    await damage(at);
    const damaged = await filesOf(at);
    const before = await stat(join(at, "00000.tar"));
    expect((await verifyRelease(at)).found).toBeGreaterThan(0);

    const dry = await repairRelease(at, { dryRun: true });
    expect(await filesOf(at), "a dry run writes nothing").toEqual(damaged);
    const { rebuilt, left } = await repairRelease(at);
    expect(rebuilt).toEqual(files);
    expect(left).toEqual([]);
    expect(dry.rebuilt, "a dry run says so").toEqual(files);
    expect(await filesOf(at)).toEqual(await filesOf(intact));
    expect((await verifyRelease(at)).problems).toEqual([]);
    expect((await stat(join(at, "00000.tar"))).mtimeMs).toBe(before.mtimeMs);
  });

  it.each(unmendable)("leaves what no tar tells, and says so: %s", async (_title, damage, expected) => {
    const at = await copy();
    await damage(at);
    await writeFile(join(at, "sizes.json"), "{");
    const { rebuilt, left } = await repairRelease(at);
    expect(left).toContainEqual(expect.objectContaining(expected));
    expect(rebuilt, "what speaks of all shards stays").not.toContain("sizes.json");
  });

  it("takes the tars that are there as the dataset where it is told to", async () => {
    const at = await copy();
    const tar = await readFile(join(at, "00001.tar"));
    const members: TarMember[] = [];
    async function* whole() {
      yield tar;
    }
    for await (const { name, data } of scanTar(whole())) members.push({ name, data });
    await writeFile(join(at, "00001.tar"), packTar(members.slice(0, 12)));
    for (const file of ["00003.tar", "00003.parquet", "00003_stats.json"]) await rm(join(at, file));
    const { rebuilt, left } = await repairRelease(at, { trustTars: true });
    expect(left).toEqual([]);
    expect(rebuilt).toContain("00001.parquet");
    expect(await verifyRelease(at)).toMatchObject({ found: 0, shards: 3, samples: 24 });
  });

  it("keeps settings null where no page tells them any more", async () => {
    const at = await copy();
    await remove("datacard.json", "datacard.md", "README.md", "index.json")(at);
    expect((await repairRelease(at)).left).toEqual([]);
    const card = JSON.parse(await readFile(join(at, "datacard.json"), "utf8")) as Record<string, unknown>;
    expect(card).toMatchObject({ settings: null, candidates: 60, release: "0123456789abcdef" });
    expect(card["lists"], "none is not what is known").toBeNull();
    expect(await readFile(join(at, "datacard.md"), "utf8")).toContain("It is not known which blocklists");
    expect((await verifyRelease(at)).problems).toEqual([]);
    expect(await repairRelease(at), "which stays so").toMatchObject({ rebuilt: [], left: [] });
  });

  it("gives another program's shards the sidecars that open_clip and wids want", async () => {
    const at = await mkdtemp(join(root, "plain-"));
    for (const shard of ["a", "b"]) await cp(join(intact, "00000.tar"), join(at, `${shard}.tar`));
    expect((await repairRelease(at)).left).toContainEqual(
      expect.objectContaining({ kind: "key", file: "b.tar" }),
    );
    await cp(join(intact, "00001.tar"), join(at, "b.tar"));
    expect(await repairRelease(at)).toMatchObject({
      layout: "plain",
      rebuilt: ["index.json", "sizes.json"],
      left: [],
    });
    expect(JSON.parse(await readFile(join(at, "sizes.json"), "utf8"))).toEqual({ "a.tar": 10, "b.tar": 10 });
    expect(await verifyRelease(at)).toMatchObject({ layout: "plain", found: 0, samples: 20 });
  });

  it("needs tars", async () => {
    await expect(repairRelease(await mkdtemp(join(root, "empty-")))).rejects.toMatchObject({
      code: "no_shards",
    });
  });
});
