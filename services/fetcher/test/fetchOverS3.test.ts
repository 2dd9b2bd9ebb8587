import { gzipSync } from "node:zlib";
import { scanTar } from "@pairloom/shards";
import { openParquetTable, storedTable } from "@pairloom/tables";
import { openStore, type Store } from "@pairloom/storage";
import { parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { FakeS3 } from "../../../packages/storage/test/fakeS3.js";
import { pictureServer, type PictureServer } from "./pictureServer.js";
import { runList } from "./runList.js";

let fake: FakeS3;
let server: PictureServer;
let out: Store;
beforeAll(async () => {
  fake = await FakeS3.start();
  server = await pictureServer();
  vi.stubEnv("AWS_ENDPOINT_URL_S3", fake.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await Promise.all([fake.close(), server.close()]);
});
beforeEach(async () => {
  fake.reset();
  server.asked.length = 0;
  server.mended.clear();
  out = await openStore("s3://bucket/out");
});

const paths = ["/ok/0", "/ok/1", "/404", "/ok/2", "/503/3", "/ok/4", "/ok/5"];
const csv = (some = paths) =>
  ["url,caption", ...some.map((path, n) => `${server.origin}${path},"caption ${n}"`)].join("\n");

async function put(name: string, data: string | Uint8Array): Promise<void> {
  await (await openStore("s3://bucket/in")).publish(name, Buffer.from(data));
}

const fetchFrom = (urlList: string, more: Record<string, unknown> = {}, retry = false) =>
  runList({
    urlList,
    store: out,
    more: { numberSamplePerShard: 3, ...more },
    retry,
  });

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of out.list("")) found.push(name);
  return found;
}
async function rowsOf(name: string): Promise<Record<string, unknown>[]> {
  const { buffer, byteOffset, byteLength } = await out.get(name);
  return parquetReadObjects({ file: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer });
}
async function membersOf(name: string): Promise<string[]> {
  const members: string[] = [];
  for await (const { name: member } of scanTar(await out.read(name))) members.push(member);
  return members.sort();
}
const shardFiles = (shards: string[], ends: string[]) =>
  shards.flatMap((shard) => ends.map((end) => shard + end)).sort();

test.each([
  ["webdataset", [".parquet", ".tar", "_stats.json"]],
  ["parquet", [".parquet", "_stats.json"]],
] as const)("a gzip'd list on S3 becomes shards on S3 (%s)", async (outputFormat, ends) => {
  await put("list.csv.gz", gzipSync(csv()));
  expect(await fetchFrom("s3://bucket/in/list.csv.gz", { outputFormat })).toMatchObject({
    rows: 7,
    successes: 5,
    shards: 3,
  });
  expect(await names()).toEqual(shardFiles(["00000", "00001", "00002"], [...ends]));
  const rows = await rowsOf("00001.parquet");
  expect(rows.map(({ key }) => key).sort()).toEqual(["000010", "000011", "000012"]);
  const jpg = rows.filter(({ jpg }) => jpg !== undefined && jpg !== null);
  if (outputFormat === "parquet") expect(jpg).toHaveLength(2);
  else
    expect(await membersOf("00001.tar")).toEqual(
      ["000010", "000012"].flatMap((key) => ["jpg", "json", "txt"].map((end) => `${key}.${end}`)),
    );
});

test("files on S3 lie in a shard's folder; overwriting removes them and spares what else is there", async () => {
  await put("list.csv", csv());
  await fetchFrom("s3://bucket/in/list.csv", { outputFormat: "files" });
  const files = (await names()).filter((name) => name.startsWith("00001/"));
  expect(files).toEqual(
    ["000010", "000012"].flatMap((key) => ["jpg", "json", "txt"].map((end) => `00001/${key}.${end}`)),
  );
  await out.publish("notes/mine.txt", Buffer.from("mine"));
  await put("short.csv", csv(paths.slice(0, 1)));
  await fetchFrom("s3://bucket/in/short.csv", { outputFormat: "files", incrementalMode: "overwrite" });
  expect(await names()).toEqual([
    "00000.parquet",
    "00000/000000.jpg",
    "00000/000000.json",
    "00000/000000.txt",
    "00000_stats.json",
    "notes/mine.txt",
  ]);
});

test("a shard without its statistics is made again and replaced, and extend adds", async () => {
  await put("list.csv", csv());
  await fetchFrom("s3://bucket/in/list.csv");
  await out.delete("00001_stats.json");
  server.asked.length = 0;
  fake.asked.length = 0;
  expect(await fetchFrom("s3://bucket/in/list.csv")).toMatchObject({ shards: 1, shardsThere: 2 });
  expect(server.asked.sort()).toEqual(["/503/3", "/ok/2", "/ok/4"]);
  // The statistics come last: they say that the others are whole.
  const written = fake.asked.filter(({ operation }) => operation === "PutObject").map(({ key }) => key);
  expect(written).toEqual(["out/00001.tar", "out/00001.parquet", "out/00001_stats.json"]);
  await put("short.csv", csv(paths.slice(0, 2)));
  await fetchFrom("s3://bucket/in/short.csv", { incrementalMode: "extend" });
  expect((await rowsOf("00003.parquet")).map(({ key }) => key)).toEqual(["000030", "000031"]);
});

test.each(["webdataset", "files", "parquet"] as const)(
  "--retry-failed mends shards where they lie (%s)",
  async (outputFormat) => {
    await put("list.csv", csv());
    await fetchFrom("s3://bucket/in/list.csv", { outputFormat });
    server.mended.add("/503/3");
    expect(await fetchFrom("(none)", { outputFormat }, true)).toMatchObject({ successes: 1, shards: 1 });
    const row = (await rowsOf("00001.parquet")).find(({ key }) => key === "000011");
    expect(row).toMatchObject({ status: "success", error_message: null });
    const stats = JSON.parse((await out.get("00001_stats.json")).toString()) as Record<string, number>;
    expect(stats).toMatchObject({ count: 3, successes: 3 });
    if (outputFormat === "webdataset") expect(await membersOf("00001.tar")).toHaveLength(9);
    if (outputFormat === "files")
      expect((await names()).filter((name) => name.startsWith("00001/"))).toHaveLength(9);
  },
);

test("lists are found in a folder (not below it), with or without a slash, by a glob, and as a file of a glob's name", async () => {
  const one = (path: string) => `${server.origin}${path}\n`;
  await put("lists/b.txt", one("/ok/1"));
  await put("lists/a.txt", one("/ok/2"));
  await put("lists/notes.md", "no list");
  await put("lists/below/c.txt", one("/ok/3"));
  await put("lists/odd[1].txt", one("/ok/4"));
  await put("lists2/d.txt", one("/ok/5"));
  for (const [place, asked] of [
    ["s3://bucket/in/lists", ["/ok/2", "/ok/1", "/ok/4"]],
    ["s3://bucket/in/lists/", ["/ok/2", "/ok/1", "/ok/4"]],
    ["s3://bucket/in/lists/**/*.txt", ["/ok/2", "/ok/1", "/ok/3", "/ok/4"]],
    ["s3://bucket/in/list*/[cd].txt", ["/ok/5"]],
    ["s3://bucket/in/lists/odd[1].txt", ["/ok/4"]],
  ] as const) {
    server.asked.length = 0;
    await fetchFrom(place, { incrementalMode: "overwrite", captionCol: null });
    expect([...server.asked].sort(), place).toEqual([...asked].sort());
    const rows = await Promise.all(asked.map((_, n) => rowsOf(`0000${n}.parquet`)));
    expect(rows.map(([row]) => String(row?.["url"]).replace(server.origin, ""))).toEqual(asked);
  }
  await expect(fetchFrom("s3://bucket/in/none")).rejects.toThrow("s3://bucket/in/none names no list");
  const listed = fake.asked.filter(({ operation }) => operation === "ListObjectsV2");
  expect(listed.length).toBeGreaterThan(0);
});

test("a parquet list is read by ranges, each byte about once", async () => {
  const data = Array.from({ length: 60_000 }, (_, n) => `${server.origin}/ok/${n * 7919}`);
  const bytes = parquetWriteBuffer({
    columnData: [
      { name: "url", data, type: "STRING" },
      { name: "unwanted", data: data.map((url) => url.repeat(3)), type: "STRING" },
    ],
    rowGroupSize: 60_000,
  });
  await put("list.parquet", new Uint8Array(bytes));
  const store = await openStore("s3://bucket/in", { readOnly: true });
  let read = 0;
  const counting: Store = Object.create(store, {
    read: {
      value: (name: string, range: { start: number; end: number }) => {
        read += range.end - range.start;
        return store.read(name, range);
      },
    },
  }) as Store;
  const size = bytes.byteLength;
  const list = await openParquetTable(storedTable(counting, { name: "list.parquet", bytes: size }), ["url"]);
  const urls: unknown[] = [];
  for await (const batch of list.read()) urls.push(...batch.map(([url]) => url));
  expect(urls).toEqual(data);
  expect(read).toBeLessThan(1.2 * size);
});
