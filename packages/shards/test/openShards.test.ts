import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "@pairloom/storage";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  copyOfSample,
  openShards,
  packTar,
  type ShardReader,
  type ShardReaderOptions,
  type ShardSample,
  type TarMember,
} from "../src/index.js";
import { makeSmallRelease, type SmallRelease } from "./smallRelease.js";

let root: string;
let store: Store;
let small: SmallRelease;
let folder: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-reader-"));
  store = await openStore(root);
  small = await makeSmallRelease(store, 120);
  folder = join(root, "release");
});
afterAll(() => rm(root, { recursive: true }));

async function take(options: ShardReaderOptions, count = Infinity, place: string | Store = folder) {
  const reader = await openShards(place, options);
  const samples: ShardSample[] = [];
  if (count > 0) {
    for await (const sample of reader) {
      samples.push(sample);
      if (samples.length === count) break;
    }
  }
  return { samples, keys: samples.map(({ key }) => key), reader };
}

async function shardsOf(files: Record<string, TarMember[] | Buffer>): Promise<string> {
  const at = await mkdtemp(join(root, "made-"));
  for (const [name, members] of Object.entries(files)) {
    if (Buffer.isBuffer(members)) await writeFile(join(at, name), members);
    else await writeFile(join(at, name), packTar(members));
  }
  return at;
}

async function packed(members: TarMember[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of packTar(members)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const pair = (key: string): TarMember[] => [
  { name: `${key}.jpg`, data: Buffer.from(`picture of ${key}`) },
  { name: `${key}.json`, data: Buffer.from(JSON.stringify({ caption: `caption of ${key}`, key })) },
  { name: `${key}.txt`, data: Buffer.from(`text of ${key}`) },
];

describe("the reader of shards", () => {
  it("without shuffling gives every sample in the order of the keys, with its bytes, text and record", async () => {
    const { samples, reader } = await take({});
    expect(samples.map(({ key }) => key)).toEqual(small.samples.map(({ key }) => key));
    samples.forEach((sample, i) => {
      const expected = small.samples[i];
      expect(sample.image.equals(small.pictures.get(sample.key) as Buffer), sample.key).toBe(true);
      expect(sample.text).toBe(expected?.caption);
      expect(sample.json).toMatchObject({ key: sample.key, sha256: expected?.sha256, status: "success" });
    });
    expect(reader.samplesPerEpoch).toBe(small.samples.length);
    expect(reader.quarantine).toEqual([]);
  });

  it("shuffles by seed and epoch: each sample once, equal for equal seeds, different otherwise", async () => {
    const orders = new Map<string, string[]>();
    for (const [seed, epoch] of [
      [1, 0],
      [1, 1],
      [2, 0],
      [-1, 0],
    ] as const) {
      const { keys } = await take({ shuffleBuffer: 32, seed, epoch });
      expect([...keys].sort()).toEqual(small.samples.map(({ key }) => key));
      expect((await take({ shuffleBuffer: 32, seed, epoch })).keys).toEqual(keys);
      orders.set(`${seed} ${epoch}`, keys);
    }
    expect(new Set([...orders.values()].map((keys) => keys.join())).size).toBe(4);
  });

  it("mixes samples of several shards where the buffer is larger than a shard", async () => {
    const { keys } = await take({ shuffleBuffer: 50, seed: 3 });
    expect(new Set(keys.slice(0, 20).map((key) => key.slice(0, 5))).size).toBeGreaterThan(2);
  });

  it("goes on from a cursor anywhere with exactly what would have come", async () => {
    const all = await take({ shuffleBuffer: 17, seed: 5, epochs: 2 });
    const plain = await take({ epochs: 2 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: all.keys.length }),
        fc.boolean(),
        async (count, shuffled) => {
          const options = shuffled ? { shuffleBuffer: 17, seed: 5 } : {};
          const { reader } = await take({ ...options, epochs: 2 }, count);
          const cursor = JSON.parse(JSON.stringify(reader.cursor())) as ReturnType<typeof reader.cursor>;
          const rest = await take({ ...options, epoch: 0, epochs: 2, cursor });
          expect(rest.keys).toEqual((shuffled ? all : plain).keys.slice(count));
        },
      ),
      { numRuns: 20 },
    );
  });

  it("stands where it should after every sample around the ends of blocks and epochs", async () => {
    const options = { shuffleBuffer: 17, seed: 5, epochs: 2 };
    const { keys } = await take(options);
    const perEpoch = keys.length / 2;
    const ends = [17, 34, Math.floor(perEpoch / 17) * 17, perEpoch, perEpoch + 17, keys.length];
    const cursors: ReturnType<ShardReader["cursor"]>[] = [];
    const reader = await openShards(folder, options);
    cursors.push(reader.cursor());
    for await (const { key } of reader) {
      expect(key).toBe(keys[cursors.length - 1]);
      cursors.push(reader.cursor());
    }
    for (const count of ends.flatMap((end) => [end - 1, end, end + 1])) {
      const cursor = cursors[count];
      if (cursor === undefined) continue;
      expect((await take({ ...options, epoch: 0, cursor })).keys, `${count}`).toEqual(keys.slice(count));
    }
  });

  it("answers requests that were made at once in their order, and then says that it is at its end", async () => {
    const { keys } = await take({ shuffleBuffer: 17, seed: 5 });
    const samples = (await openShards(folder, { shuffleBuffer: 17, seed: 5 }))[Symbol.asyncIterator]();
    const asked = Array.from({ length: keys.length + 2 }, () => samples.next());
    const answers = await Promise.all(asked);
    expect(answers.slice(0, keys.length).map(({ value }) => value?.key)).toEqual(keys);
    expect(answers.slice(keys.length).map(({ done }) => done)).toEqual([true, true]);
  });

  it("ended early answers what was asked for before, and nothing after", async () => {
    const reader = await openShards(folder);
    const samples = reader[Symbol.asyncIterator]();
    const [first, second] = [samples.next(), samples.next()];
    expect(await samples.return()).toEqual({ done: true, value: undefined });
    expect([(await first).value?.key, (await second).value?.key]).toEqual(
      small.samples.slice(0, 2).map(({ key }) => key),
    );
    expect((await samples.next()).done).toBe(true);
    expect((await take({ cursor: reader.cursor() }, 1)).keys).toEqual([small.samples[2]?.key]);
  });

  it("meets an error of what it reads ahead only after the samples before it, and ends there", async () => {
    const keys = Array.from({ length: 300 }, (_, i) => String(i).padStart(9, "0"));
    const sizes = Buffer.from('{"00000.tar": 300, "00001.tar": 300}');
    const at = await shardsOf({ "00000.tar": keys.flatMap(pair), "sizes.json": sizes });
    const samples = (await openShards(at))[Symbol.asyncIterator]();
    const found: (string | undefined)[] = [];
    for (let i = 0; i < 256; i++) found.push((await samples.next()).value?.key);
    expect(found).toEqual(keys.slice(0, 256));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(samples.next()).rejects.toMatchObject({ code: "blob_not_found" });
    expect((await samples.next()).done).toBe(true);
  });

  it("takes the caption of the record where there is no text, and copies of samples hold the same", async () => {
    const record = { caption: "größer 日本語 \n 𝄞", nested: { list: [1, null] } };
    const at = await shardsOf({
      "00000.tar": [
        { name: "a.jpg", data: Buffer.from("picture") },
        { name: "a.json", data: Buffer.from(JSON.stringify(record)) },
        { name: "b.png", data: Buffer.from("another") },
        { name: "b.txt", data: Buffer.from("größer ".repeat(100)) },
      ],
    });
    const { samples } = await take({}, Infinity, at);
    const expected = [
      { key: "a", extension: "jpg", image: Buffer.from("picture"), text: record.caption, json: record },
      { key: "b", extension: "png", image: Buffer.from("another"), text: "größer ".repeat(100), json: null },
    ];
    const copies = samples.map(copyOfSample);
    expect(copies).toEqual(expected);
    samples[0]?.image.fill(0);
    expect(copies).toEqual(expected);
    expect(samples[0]?.json).toBe(samples[0]?.json);
  });

  it("can be stopped in a loop and asked again, and goes on there", async () => {
    const reader = await openShards(folder, { shuffleBuffer: 20, seed: 1 });
    const keys: string[] = [];
    for (let done = false; !done;) {
      done = true;
      for await (const { key } of reader) {
        keys.push(key);
        if (keys.length % 7 === 0) {
          done = false;
          break;
        }
      }
    }
    expect(keys).toEqual((await take({ shuffleBuffer: 20, seed: 1 })).keys);
  });

  it("reads what img2dataset writes: pax headers, a parquet and stats beside, no sizes.json", async () => {
    const at = await shardsOf({ "00000.tar": pair("000000000"), "00001.tar": pair("000010000") });
    await writeFile(join(at, "00000_stats.json"), "{}");
    await writeFile(join(at, "00000.parquet"), "x");
    expect((await take({}, Infinity, at)).keys).toEqual(["000000000", "000010000"]);
  });

  it("puts bad members aside with the reason and the place, and goes on with the next good sample", async () => {
    const bad: TarMember[] = [
      ...pair("000000000"),
      { name: "000000001.jpg", data: Buffer.from("picture without a text") },
      { name: "000000002.txt", data: Buffer.from("text without a picture") },
      { name: "000000003.jpg", data: Buffer.alloc(0) },
      { name: "000000003.txt", data: Buffer.from("an empty picture") },
      { name: "000000004.jpg", data: Buffer.from("x") },
      { name: "000000004.json", data: Buffer.from("{broken") },
      { name: "000000005.jpg", data: Buffer.from("x") },
      { name: "000000005.txt", data: Buffer.from([0xff, 0xfe, 0x80]) },
      { name: "noextension", data: Buffer.from("x") },
      { name: "__index__", data: Buffer.from("webdataset's own") },
      ...pair("000000006"),
      ...pair("000000000"),
      { name: "000000007.jpg", data: Buffer.from("x") },
      { name: "000000007.json", data: Buffer.from("null") },
      { name: "000000008.jpg", data: Buffer.from("x") },
      { name: "000000008.txt", data: Buffer.alloc((4 << 20) + 1, "x") },
    ];
    const at = await shardsOf({ "00000.tar": bad });
    const { keys, reader } = await take({ shuffleBuffer: 10 }, Infinity, at);
    expect([...keys].sort()).toEqual(["000000000", "000000006"]);
    const found = reader.quarantine.map(({ key, reason, offset }) => [key, reason, offset / 1024]);
    expect(found.sort((a, b) => Number(a[2]) - Number(b[2]))).toEqual([
      ["000000001", "no_text", 3],
      ["000000002", "no_picture", 4],
      ["000000003", "empty_picture", 5],
      ["000000004", "record_unreadable", 6.5],
      ["000000005", "text_unreadable", 8.5],
      [null, "no_key", 10.5],
      ["000000000", "duplicate_key", 15.5],
      ["000000007", "record_unreadable", 18.5],
      ["000000008", "sidecar_too_large", 20.5],
    ]);
    expect(reader.quarantined).toEqual({
      no_text: 1,
      no_picture: 1,
      empty_picture: 1,
      record_unreadable: 2,
      text_unreadable: 1,
      no_key: 1,
      duplicate_key: 1,
      sidecar_too_large: 1,
    });
  });

  it("puts the same aside when it goes on from a cursor, a key from before the cursor included", async () => {
    const keys = Array.from({ length: 300 }, (_, i) => String(i).padStart(9, "0"));
    const members = keys.flatMap((key, i) =>
      i === 290 ? [...pair(key), ...pair(keys[3] as string)] : pair(key),
    );
    const tar = await packed(members);
    tar.write("damaged", 3072 * 280);
    const at = await shardsOf({ "00000.tar": tar });
    const whole = await take({}, Infinity, at);
    expect(whole.reader.quarantined).toEqual({ tar_header: 1, no_picture: 1, duplicate_key: 1 });
    for (const count of [260, 285, 289]) {
      const { reader } = await take({}, count, at);
      const rest = await take({ cursor: reader.cursor() }, Infinity, at);
      expect(rest.keys).toEqual(whole.keys.slice(count));
      expect(rest.reader.quarantined["duplicate_key"]).toBe(1);
    }
  });

  it("leaves the event loop free while it gives out samples by the thousand", async () => {
    const large = Array.from({ length: 20_000 }, (_, i) => pair(String(i).padStart(9, "0"))).flat();
    const at = await shardsOf({ "00000.tar": await packed(large) });
    let [given, most] = [0, 0];
    const timer = setInterval(() => {
      most = Math.max(most, given);
      given = 0;
    }, 1);
    let total = 0;
    for await (const { key } of await openShards(at, { shuffleBuffer: 20_000 })) {
      total += key.length / 9;
      given++;
      const until = performance.now() + 0.03;
      while (performance.now() < until);
    }
    clearInterval(timer);
    expect(total).toBe(20_000);
    // One block holds them all. A turn comes every 10 ms, at 30 µs a sample: about every 300 samples.
    expect(Math.max(most, given)).toBeLessThan(1000);
  });

  it("survives a shard that is cut off or damaged in the middle", async () => {
    const tar = await readFile(join(folder, "00000.tar"));
    const damaged = Buffer.from(tar);
    damaged.fill(0xaa, 4096, 6000);
    const at = await shardsOf({ "00000.tar": tar.subarray(0, tar.length - 3000), "00001.tar": damaged });
    const { samples, reader } = await take({}, Infinity, at);
    expect(samples.length).toBeGreaterThan(10);
    expect(samples.length).toBeLessThan(20);
    expect(new Set(reader.quarantine.map(({ shard }) => shard))).toEqual(new Set(["00000.tar", "00001.tar"]));
    expect(reader.quarantined).toMatchObject({ tar_truncated: 1, tar_header: 1 });
    for (const { key, image } of samples.slice(0, 5))
      expect(image.equals(small.pictures.get(key) as Buffer)).toBe(true);
  });

  it("says so where there is no shard, no folder, no usable sample, a listed shard missing or broken sizes", async () => {
    const error = async (at: string) =>
      (await take({ epochs: Infinity }, 1, at).catch((e: unknown) => e)) as Error;
    expect(await error(await shardsOf({}))).toMatchObject({ code: "no_shards" });
    expect(await error(join(root, "nowhere"))).toMatchObject({ code: "store_unusable" });
    expect(await error(await shardsOf({ "00000.tar": [] }))).toMatchObject({ code: "no_samples" });
    expect(await error(await shardsOf({ "sizes.json": Buffer.from('{"00000.tar": 3}') }))).toMatchObject({
      code: "blob_not_found",
    });
    expect(await error(await shardsOf({ "sizes.json": Buffer.from("[") }))).toMatchObject({
      code: "sizes_corrupt",
    });
  });
});
