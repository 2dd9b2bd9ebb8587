import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packTar, repairRelease, surveyShards, type TarMember, verifyRelease } from "../src/index.js";
import { captionOf, pictureOf } from "./smallRelease.js";

/** Rows of a shard as img2dataset leaves them: of every five one failed and is in the parquet only. */
const keysOf = (shard: number) => Array.from({ length: 10 }, (_, i) => `0000${shard}000${i}`);
const failed = (key: string) => Number(key) % 5 === 4;

async function writePlain(at: string, shard: number): Promise<void> {
  const keys = keysOf(shard);
  // Members stand in the order in which pictures came.
  const kept = keys.filter((key) => !failed(key)).reverse();
  const members = kept.flatMap((key): TarMember[] => [
    { name: `${key}.jpg`, data: pictureOf(Number(key)) },
    { name: `${key}.json`, data: Buffer.from(JSON.stringify({ key, status: "success" }, null, 4)) },
    { name: `${key}.txt`, data: Buffer.from(captionOf(Number(key))) },
  ]);
  await writeFile(join(at, `0000${shard}.tar`), packTar(members));
  const status = keys.map((key) => (failed(key) ? "failed_to_download" : "success"));
  const table = parquetWriteBuffer({
    columnData: [
      { name: "url", data: keys.map((key) => `http://host.example/${key}`), type: "STRING" },
      { name: "key", data: keys, type: "STRING" },
      { name: "status", data: status, type: "STRING" },
    ],
  });
  await writeFile(join(at, `0000${shard}.parquet`), Buffer.from(table));
  const stats = { count: 10, successes: 8, failed_to_download: 2, failed_to_resize: 0, duration: 3.5 };
  await writeFile(join(at, `0000${shard}_stats.json`), JSON.stringify(stats));
}

let root: string;
let intact: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-plain-"));
  intact = await mkdtemp(join(root, "intact-"));
  for (const shard of [0, 1]) await writePlain(intact, shard);
});
afterAll(() => rm(root, { recursive: true }));

const damages: [string, (at: string) => Promise<void>, { kind: string; file: string; says: RegExp }][] = [
  [
    "a tar that is cut off",
    async (at) => writeFile(join(at, "00001.tar"), (await readFile(join(at, "00001.tar"))).subarray(0, 9000)),
    { kind: "tar", file: "00001.tar", says: /in the middle/ },
  ],
  [
    "a tar that is missing",
    (at) => rm(join(at, "00001.tar")),
    { kind: "missing", file: "00001.tar", says: /isn't there/ },
  ],
  [
    "a tar with the keys of another",
    (at) => cp(join(at, "00000.tar"), join(at, "00001.tar")),
    { kind: "key", file: "00001.tar", says: /is in 00000.tar too/ },
  ],
  [
    "a success that isn't in the tar",
    (at) => writeFile(join(at, "00000.tar"), packTar([{ name: "000000000.jpg", data: pictureOf(0) }])),
    { kind: "pairing", file: "00000.tar", says: /000000001 is in 00000\.parquet only/ },
  ],
  [
    "a picture without a text",
    (at) => writeFile(join(at, "00000.tar"), packTar([{ name: "000000000.jpg", data: pictureOf(0) }])),
    { kind: "pairing", file: "00000.tar", says: /000000000: no text/ },
  ],
  [
    "a text that is missing where others have one, though the record has the caption",
    async (at) => {
      const record = (caption: string) => Buffer.from(JSON.stringify({ caption }));
      const members = ["000000000", "000000001"].flatMap((key): TarMember[] => [
        { name: `${key}.jpg`, data: pictureOf(0) },
        { name: `${key}.json`, data: record("a caption") },
      ]);
      const text = { name: "000000001.txt", data: Buffer.from("a caption") };
      await writeFile(join(at, "00000.tar"), packTar([...members, text]));
    },
    { kind: "pairing", file: "00000.tar", says: /000000000 has no \.txt/ },
  ],
  [
    "wrong statistics",
    (at) => writeFile(join(at, "00000_stats.json"), '{"count": 10, "successes": 9}'),
    { kind: "count", file: "00000_stats.json", says: /9 of 8/ },
  ],
  [
    "a table that is none",
    (at) => writeFile(join(at, "00000.parquet"), "PAR1PAR1"),
    { kind: "parquet", file: "00000.parquet", says: /can't be read as parquet/ },
  ],
  [
    "wrong sizes",
    (at) => writeFile(join(at, "sizes.json"), '{"00000.tar": 8, "00001.tar": 9}'),
    { kind: "count", file: "sizes.json", says: /9 samples for 00001.tar, there are 8/ },
  ],
];

describe("the check of shards that another program wrote", () => {
  it("asks for no sidecar of ours and finds nothing wrong with whole ones, in whatever order", async () => {
    const { layout, problems, shards, samples } = await verifyRelease(intact);
    expect(problems).toEqual([]);
    expect([layout, shards, samples]).toEqual(["plain", 2, 16]);
  });

  it("is content with tars alone", async () => {
    const at = await mkdtemp(join(root, "tars-"));
    await cp(join(intact, "00000.tar"), join(at, "cats.tar"));
    expect(await verifyRelease(at)).toMatchObject({ layout: "plain", found: 0, shards: 1, samples: 8 });
  });

  it.each(damages)("finds %s", async (_title, damage, { kind, file, says }) => {
    const at = await mkdtemp(join(root, "damaged-"));
    await cp(intact, at, { recursive: true });
    await damage(at);
    const { problems } = await verifyRelease(at);
    const found = problems.filter((one) => one.kind === kind && one.file === file && says.test(one.says));
    expect(found, JSON.stringify(problems, null, 1)).not.toEqual([]);
  });

  it.each([
    ["00000/000000000.jpg", "--output_format files"],
    ["00000.tfrecord", "TensorFlow's records"],
    ["00000.parquet", "--output_format parquet"],
  ])("says what a folder without tars holds: %s", async (file, says) => {
    const at = await mkdtemp(join(root, "other-"));
    await mkdir(join(at, "00000"));
    await writeFile(join(at, file), pictureOf(0));
    for (const look of [verifyRelease, repairRelease, surveyShards])
      await expect(look(at)).rejects.toThrow(says);
  });
});
