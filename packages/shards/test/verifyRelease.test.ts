import { createHash } from "node:crypto";
import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  decodeTable,
  encodeTable,
  openShards,
  packTar,
  readShardInfo,
  scanTar,
  tableColumns,
  type TableRow,
  type TarMember,
  verifyRelease,
  type VerifyProgress,
} from "../src/index.js";
import { makeSmallRelease } from "./smallRelease.js";

let root: string;
let intact: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-verify-"));
  await makeSmallRelease(await openStore(root), 60);
  intact = join(root, "release");
});
afterAll(() => rm(root, { recursive: true }));

/** Takes a tar apart, lets `change` alter its members, and puts it together again. */
async function rewriteTar(path: string, change: (members: TarMember[]) => TarMember[]): Promise<void> {
  const bytes = await readFile(path);
  async function* whole() {
    yield bytes;
  }
  const members: TarMember[] = [];
  for await (const { name, data } of scanTar(whole())) members.push({ name, data: Buffer.from(data) });
  await writeFile(path, packTar(change(members)));
}

async function rewriteJson(path: string, change: (value: Record<string, unknown>) => void): Promise<void> {
  const value = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  change(value);
  await writeFile(path, JSON.stringify(value));
}

const damageJson = (at: string, file: string, change: (text: string) => string) =>
  readFile(join(at, file), "utf8").then((text) => writeFile(join(at, file), change(text)));

/** Writes a shard's table again so that it fits its tar, and the sidecars' hashes so that they fit both. */
async function agreeWith(at: string, name: string, changeRow: (row: TableRow) => TableRow): Promise<void> {
  const table = await readFile(join(at, `${name}.parquet`));
  const tar = await readFile(join(at, `${name}.tar`));
  const info = readShardInfo(table);
  const [sha256, md5] = [hex("sha256", tar), hex("md5", tar)];
  const { rows } = await decodeTable(tableColumns, table);
  const metadata = { "pairloom.shard": JSON.stringify({ ...info, sha256, md5, bytes: tar.length }) };
  const again = encodeTable(tableColumns, rows.map(changeRow), metadata);
  await writeFile(join(at, `${name}.parquet`), again);
  const shard = {
    tar: `${name}.tar`,
    samples: rows.length,
    bytes: tar.length,
    sha256,
    parquetSha256: hex("sha256", again),
  };
  await rewriteJson(join(at, "datacard.json"), (card) => {
    const shards = card["shards"] as { tar: string }[];
    card["shards"] = shards.map((one) => (one.tar === shard.tar ? shard : one));
  });
  await rewriteJson(join(at, "index.json"), (index) => {
    const shardlist = index["shardlist"] as { url: string }[];
    const entry = { url: shard.tar, md5sum: md5, nsamples: rows.length, filesize: tar.length };
    index["shardlist"] = shardlist.map((one) => (one.url === shard.tar ? entry : one));
  });
}
const hex = (name: string, bytes: Uint8Array) => createHash(name).update(bytes).digest("hex");

/** Each damage, what it does to a copy of the release, and the problem that must be among those found. */
type Expected = { kind: string; file: string; key?: string; says?: RegExp };
const damages: [string, (at: string) => Promise<void>, Expected][] = [
  [
    "a flipped bit in a picture",
    async (at) => {
      const tar = await readFile(join(at, "00001.tar"));
      tar[700] = (tar[700] as number) ^ 4;
      await writeFile(join(at, "00001.tar"), tar);
    },
    { kind: "hash", file: "00001.tar", key: "000010000", says: /not the picture that was written/ },
  ],
  [
    "a tar that is cut off",
    async (at) => {
      const tar = await readFile(join(at, "00002.tar"));
      await writeFile(join(at, "00002.tar"), tar.subarray(0, tar.length - 5000));
    },
    { kind: "tar", file: "00002.tar", says: /ends in the middle|missing/ },
  ],
  [
    "a broken tar header",
    async (at) => {
      const tar = await readFile(join(at, "00000.tar"));
      tar.write("garbage", 20);
      await writeFile(join(at, "00000.tar"), tar);
    },
    { kind: "tar", file: "00000.tar", says: /no valid header/ },
  ],
  [
    "a text that is missing",
    (at) =>
      rewriteTar(join(at, "00000.tar"), (members) => members.filter(({ name }) => name !== "000000003.txt")),
    { kind: "pairing", file: "00000.tar", key: "000000003", says: /000000003 has no \.txt/ },
  ],
  [
    "a picture that is missing",
    (at) =>
      rewriteTar(join(at, "00000.tar"), (members) => members.filter(({ name }) => name !== "000000004.jpg")),
    { kind: "pairing", file: "00000.tar", says: /000000004 has 0 pictures/ },
  ],
  [
    "a whole sample that is missing",
    (at) =>
      rewriteTar(join(at, "00000.tar"), (members) =>
        members.filter(({ name }) => !name.startsWith("000000005")),
      ),
    { kind: "pairing", file: "00000.tar", key: "000000005", says: /000000005 is in 00000\.parquet only/ },
  ],
  [
    "a key twice",
    (at) => rewriteTar(join(at, "00001.tar"), (members) => [...members, ...members.slice(0, 3)]),
    { kind: "key", file: "00001.tar", says: /twice/ },
  ],
  [
    "another caption in the tar than in the table",
    (at) =>
      rewriteTar(join(at, "00000.tar"), (members) =>
        members.map((member) =>
          member.name === "000000002.txt" ? { ...member, data: Buffer.from("else") } : member,
        ),
      ),
    { kind: "record", file: "00000.tar", says: /000000002\.txt/ },
  ],
  [
    "a picture that is none",
    (at) =>
      rewriteTar(join(at, "00000.tar"), (members) =>
        members.map((member) =>
          member.name === "000000001.jpg" ? { ...member, data: Buffer.from("<html>") } : member,
        ),
      ),
    { kind: "picture", file: "00000.tar", says: /000000001\.jpg/ },
  ],
  [
    "a damaged table",
    async (at) => {
      const table = await readFile(join(at, "00003.parquet"));
      table[100] = (table[100] as number) ^ 1;
      await writeFile(join(at, "00003.parquet"), table);
    },
    { kind: "parquet", file: "00003.parquet" },
  ],
  ["a shard that is missing", (at) => rm(join(at, "00002.tar")), { kind: "missing", file: "00002.tar" }],
  [
    "a table that is missing",
    (at) => rm(join(at, "00002.parquet")),
    { kind: "missing", file: "00002.parquet" },
  ],
  [
    "rejected rows that are missing",
    (at) => rm(join(at, "rejected"), { recursive: true }),
    { kind: "count", file: "datacard.json", says: /candidates/ },
  ],
  [
    "wrong sizes",
    (at) => rewriteJson(join(at, "sizes.json"), (sizes) => void (sizes["00001.tar"] = 9)),
    { kind: "count", file: "sizes.json" },
  ],
  [
    "wrong statistics",
    (at) => rewriteJson(join(at, "00001_stats.json"), (stats) => void (stats["successes"] = 9)),
    { kind: "count", file: "00001_stats.json" },
  ],
  [
    "another hash in the wids index",
    (at) =>
      rewriteJson(join(at, "index.json"), (index) => {
        (index["shardlist"] as { md5sum: string }[])[1]!.md5sum = "0".repeat(32);
      }),
    { kind: "hash", file: "index.json" },
  ],
  [
    "a sidecar that is no JSON",
    (at) => writeFile(join(at, "sizes.json"), "{"),
    { kind: "count", file: "sizes.json" },
  ],
  [
    "bytes after a tar's end",
    (at) => appendFile(join(at, "00000.tar"), "x"),
    { kind: "tar", file: "00000.tar", says: /after the end/ },
  ],
  [
    "a key that another shard has too",
    (at) =>
      rewriteTar(join(at, "00001.tar"), (members) =>
        members.map(({ name, data }) => ({ name: name.replace("000010002", "000000002"), data })),
      ),
    { kind: "key", file: "00001.tar", key: "000000002", says: /is in 00000\.tar too/ },
  ],
  [
    "a key in the table that the tar doesn't have",
    async (at) => {
      await agreeWith(at, "00002", (row) => (row.key === "000020004" ? { ...row, key: "000029999" } : row));
    },
    { kind: "key", file: "00002.tar", key: "000020004", says: /not in 00002\.parquet/ },
  ],
  [
    "a record that was altered",
    (at) =>
      rewriteTar(join(at, "00002.tar"), (members) =>
        members.map((member) =>
          member.name === "000020001.json"
            ? { ...member, data: Buffer.from(member.data.toString().replace("alt", "elt")) }
            : member,
        ),
      ),
    { kind: "record", file: "00002.tar", key: "000020001", says: /000020001\.json/ },
  ],
  [
    "a picture that can't be decoded although every hash fits",
    async (at) => {
      await rewriteTar(join(at, "00003.tar"), (members) =>
        members.map((member) =>
          member.name === "000030000.jpg" ? { ...member, data: Buffer.from("GIF89a") } : member,
        ),
      );
      const stored_sha256 = hex("sha256", Buffer.from("GIF89a"));
      await agreeWith(at, "00003", (row) => (row.key === "000030000" ? { ...row, stored_sha256 } : row));
    },
    { kind: "picture", file: "00003.tar", key: "000030000", says: /its bytes are no jpg/ },
  ],
  [
    "a rejected table that is damaged",
    async (at) => {
      const table = await readFile(join(at, "rejected/00000.parquet"));
      table[60] = (table[60] as number) ^ 1;
      await writeFile(join(at, "rejected/00000.parquet"), table);
    },
    { kind: "parquet", file: "rejected/00000.parquet" },
  ],
  [
    "a rejected table that nothing lists",
    (at) => cp(join(at, "rejected/00000.parquet"), join(at, "rejected/00001.parquet")),
    { kind: "unexpected", file: "rejected/00001.parquet" },
  ],
  [
    "a wids index that is no index",
    (at) => damageJson(at, "index.json", (text) => text.replace("shardlist", "shards")),
    { kind: "count", file: "index.json", says: /can't be read/ },
  ],
  [
    "a count of candidates that doesn't add up",
    (at) => rewriteJson(join(at, "datacard.json"), (card) => void (card["candidates"] = 61)),
    { kind: "count", file: "datacard.json", says: /not the 61 candidates/ },
  ],
  [
    "a count by licence that was changed",
    (at) => damageJson(at, "datacard.json", (text) => text.replace(/"CC-BY-4.0": \d+/, '"CC-BY-4.0": 99')),
    { kind: "count", file: "datacard.json", says: /by licence/ },
  ],
  [
    "a data card's page that was edited",
    (at) => appendFile(join(at, "datacard.md"), "and more"),
    { kind: "hash", file: "datacard.md" },
  ],
  [
    "a setting that was changed in the data card",
    (at) => damageJson(at, "datacard.json", (text) => text.replace('"seed": 0', '"seed": 1')),
    { kind: "hash", file: "datacard.json", says: /not as it was written/ },
  ],
  [
    "statistics with failures that no row tells",
    (at) => rewriteJson(join(at, "00001_stats.json"), (stats) => void (stats["failed_to_download"] = 5)),
    { kind: "count", file: "00001_stats.json", says: /more than its 10 rows/ },
  ],
  [
    "statistics of no shard",
    (at) => cp(join(at, "00001_stats.json"), join(at, "00007_stats.json")),
    { kind: "missing", file: "00007.tar" },
  ],
  [
    "a shard that nothing lists",
    (at) => cp(join(at, "00000.tar"), join(at, "00009.tar")),
    { kind: "missing", file: "00009.parquet" },
  ],
];

describe("the check of a release", () => {
  it("finds nothing wrong with an intact one", async () => {
    const { layout, problems, shards, samples, rejected } = await verifyRelease(intact);
    expect(problems).toEqual([]);
    expect(layout).toBe("release");
    expect(samples + rejected).toBe(60);
    expect(shards).toBe(4);
  });

  it.each(damages)("finds %s", async (_title, damage, expected) => {
    const at = await mkdtemp(join(root, "damaged-"));
    await cp(intact, at, { recursive: true });
    await damage(at);
    const { problems } = await verifyRelease(at);
    const found = problems.filter(
      ({ kind, file, key, says }) =>
        kind === expected.kind &&
        file === expected.file &&
        key === (expected.key ?? key) &&
        (expected.says?.test(says) ?? true),
    );
    expect(found, JSON.stringify(problems, null, 1)).not.toEqual([]);
  });

  it("asks a decoder, where one is given, for every picture", async () => {
    let asked = 0;
    const { problems, samples } = await verifyRelease(intact, {
      checkPicture: (picture, extension) => {
        asked++;
        return picture.length % 2 === 0 && extension === "jpg" ? "even" : null;
      },
    });
    expect(asked).toBe(samples);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.every(({ kind, says }) => kind === "picture" && says.endsWith("even"))).toBe(true);
  });

  it("says how far it is, to the last byte", async () => {
    const seen: VerifyProgress[] = [];
    await verifyRelease(intact, { onProgress: (progress) => void seen.push({ ...progress }) });
    const last = seen.at(-1) as VerifyProgress;
    expect(last).toMatchObject({ shards: 4, ofShards: 4, bytes: last.ofBytes });
    expect(last.ofBytes).toBeGreaterThan(100_000);
  });

  it("names a sample whose record is too large: readers go on without it", async () => {
    const store = await openStore(await mkdtemp(join(root, "large-")));
    const large = "x".repeat(5 << 20);
    const { samples, release } = await makeSmallRelease(store, 60, undefined, (sample) =>
      sample.key === "000010002" ? { ...sample, exif: large } : sample,
    );
    const { problems } = await verifyRelease(release);
    expect(problems).toMatchObject([{ kind: "record", key: "000010002", file: "00001.tar" }]);
    const reader = await openShards(release);
    let read = 0;
    for await (const _ of reader) read++;
    expect([read, reader.quarantined, reader.noted]).toEqual([samples.length, {}, { record_dropped: 1 }]);
  });

  it("says so where there is no release", async () => {
    await expect(verifyRelease(await mkdtemp(join(root, "empty-")))).rejects.toMatchObject({
      code: "no_release",
    });
  });
});
