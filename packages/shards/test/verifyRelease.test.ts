import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packTar, scanTar, type TarMember, verifyRelease } from "../src/index.js";
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

/** Each damage, what it does to a copy of the release, and the problem that must be among those found. */
const damages: [string, (at: string) => Promise<void>, { kind: string; file: string; says?: RegExp }][] = [
  [
    "a flipped bit in a picture",
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
    { kind: "pairing", file: "00000.tar", says: /000000003 has no \.txt/ },
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
    { kind: "pairing", file: "00000.tar", says: /000000005 is in 00000\.parquet only/ },
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
    "a shard that nothing lists",
    (at) => cp(join(at, "00000.tar"), join(at, "00009.tar")),
    { kind: "missing", file: "00009.parquet" },
  ],
];

describe("the check of a release", () => {
  it("finds nothing wrong with an intact one", async () => {
    const { problems, shards, samples, rejected } = await verifyRelease(intact);
    expect(problems).toEqual([]);
    expect(samples + rejected).toBe(60);
    expect(shards).toBe(4);
  });

  it.each(damages)("finds %s", async (_title, damage, expected) => {
    const at = await mkdtemp(join(root, "damaged-"));
    await cp(intact, at, { recursive: true });
    await damage(at);
    const { problems } = await verifyRelease(at);
    const found = problems.filter(
      ({ kind, file, says }) =>
        kind === expected.kind && file === expected.file && (expected.says?.test(says) ?? true),
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

  it("says so where there is no release", async () => {
    await expect(verifyRelease(await mkdtemp(join(root, "empty-")))).rejects.toMatchObject({
      code: "no_release",
    });
  });
});
