import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scanTar } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import { parquetReadObjects } from "hyparquet";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { ListTally } from "../src/list/index.js";
import { pictureServer, type PictureServer } from "./pictureServer.js";
import { runList } from "./runList.js";

let dir: string;
let server: PictureServer;
beforeAll(async () => {
  server = await pictureServer();
});
afterAll(() => server.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "fetch-list-"));
  server.asked.length = 0;
  server.mended.clear();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const stop = new AbortController();

async function fetchInto(
  paths: string[],
  more: Record<string, unknown> = {},
  { retry = false, signal = stop.signal }: { retry?: boolean; signal?: AbortSignal } = {},
): Promise<ListTally> {
  const list = join(dir, "list.csv");
  const lines = paths.map((path, n) => `${server.origin}${path},"caption ${n}",${n}`);
  await writeFile(list, ["url,caption,n", ...lines].join("\n"));
  return runList({ urlList: list, store: await openStore(join(dir, "out")), more, retry, signal });
}

async function membersOf(name: string): Promise<Map<string, Buffer>> {
  const store = await openStore(join(dir, "out"));
  const members = new Map<string, Buffer>();
  for await (const { name: member, data } of scanTar(await store.read(name))) {
    expect(members.has(member)).toBe(false);
    members.set(member, data);
  }
  return members;
}

async function rowsOf(name: string): Promise<Record<string, unknown>[]> {
  const bytes = await readFile(join(dir, "out", name));
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return parquetReadObjects({ file });
}

const statsOf = async (name: string) =>
  JSON.parse(await readFile(join(dir, "out", name), "utf8")) as Record<string, unknown>;

const faults = ["/404", "/503", "/html", "/cut", "/small", "/noai"];
const mixed = [...Array.from({ length: 8 }, (_, n) => `/ok/${n}`), ...faults];

test("a shard has every row once, in tar, parquet and statistics as img2dataset writes them", async () => {
  const tally = await fetchInto(mixed, { saveAdditionalColumns: ["n"], numberSamplePerShard: 100 });
  expect(tally).toMatchObject({ rows: 14, successes: 8, failedToDownload: 3, failedToResize: 3, shards: 1 });
  const rows = await rowsOf("00000.parquet");
  expect(Object.keys(rows[0]!)).toEqual([
    "n",
    "caption",
    "url",
    "key",
    "status",
    "error_message",
    "width",
    "height",
    "original_width",
    "original_height",
    "exif",
    "sha256",
  ]);
  expect(rows.map(({ n, key }) => [n, key])).toEqual(
    mixed.map((_, n) => [String(n), `00000${String(n).padStart(2, "0")}`]),
  );
  expect(rows[3]).toMatchObject({
    status: "success",
    error_message: null,
    width: 32,
    original_width: 43,
    caption: "caption 3",
  });
  expect(rows.slice(8).map(({ status, error_message }) => [status, error_message])).toEqual([
    ["failed_to_download", "http_404"],
    ["failed_to_download", "http_503"],
    ["failed_to_resize", "not_an_image"],
    ["failed_to_resize", "decode_truncated"],
    ["failed_to_resize", "too_small"],
    ["failed_to_download", "optout_x_robots_tag"],
  ]);
  const members = await membersOf("00000.tar");
  expect([...members.keys()].sort()).toEqual(
    mixed.slice(0, 8).flatMap((_, n) => ["jpg", "json", "txt"].map((end) => `000000${n}.${end}`)),
  );
  expect(JSON.parse(members.get("0000003.json")!.toString())).toEqual(rows[3]);
  expect(members.get("0000003.txt")!.toString()).toBe("caption 3");
  expect(await statsOf("00000_stats.json")).toMatchObject({
    count: 14,
    successes: 8,
    failed_to_download: 3,
    failed_to_resize: 3,
    status_dict: { success: 8, http_404: 1, decode_truncated: 1 },
  });
  expect((await readdir(join(dir, "out", ".tmp"))).length).toBe(0);
});

test("incremental fetches what is missing, extend adds, overwrite begins anew and spares other files", async () => {
  const small = { numberSamplePerShard: 3 };
  await fetchInto(mixed.slice(0, 8), small);
  expect((await readdir(join(dir, "out"))).filter((name) => name.endsWith(".tar")).length).toBe(3);
  await rm(join(dir, "out", "00001_stats.json"));
  server.asked.length = 0;
  const again = await fetchInto(mixed.slice(0, 8), small);
  expect(server.asked.sort()).toEqual(["/ok/3", "/ok/4", "/ok/5"]);
  expect(again).toMatchObject({ shards: 1, shardsThere: 2 });
  expect((await membersOf("00001.tar")).size).toBe(9);

  await fetchInto(mixed.slice(0, 3), { ...small, incrementalMode: "extend" });
  expect((await rowsOf("00003.parquet")).map(({ key }) => key)).toEqual(["000030", "000031", "000032"]);

  await writeFile(join(dir, "out", "notes.txt"), "mine");
  await fetchInto(mixed.slice(0, 2), { ...small, incrementalMode: "overwrite" });
  expect((await readdir(join(dir, "out"))).sort()).toEqual([
    ".tmp",
    "00000.parquet",
    "00000.tar",
    "00000_stats.json",
    "notes.txt",
  ]);
});

test.each(["webdataset", "files", "parquet"] as const)(
  "--retry-failed asks only for what may pass, and the shard is then as if it had (%s)",
  async (outputFormat) => {
    await fetchInto([...mixed, "/503/2"], { outputFormat });
    server.asked.length = 0;
    const nothing = await fetchInto([], { outputFormat }, { retry: true });
    expect(server.asked.sort()).toEqual(["/503", "/503/2"]);
    expect(nothing).toMatchObject({ rows: 2, successes: 0, shards: 0 });
    server.mended.add("/503/2");
    expect(await fetchInto([], { outputFormat }, { retry: true })).toMatchObject({
      rows: 2,
      successes: 1,
      shards: 1,
    });

    // With pictures inside, rows lie in the order in which they were ready.
    const rows = (await rowsOf("00000.parquet")).sort((a, b) =>
      String(a["key"]).localeCompare(String(b["key"])),
    );
    expect(rows.length).toBe(15);
    expect(rows[14]).toMatchObject({
      status: "success",
      error_message: null,
      caption: "caption 14",
      original_width: 42,
    });
    expect(rows[9]).toMatchObject({ status: "failed_to_download", error_message: "http_503" });
    expect(await statsOf("00000_stats.json")).toMatchObject({
      count: 15,
      successes: 9,
      failed_to_download: 3,
    });
    const key = String(rows[14]!["key"]);
    if (outputFormat === "webdataset") {
      const members = await membersOf("00000.tar");
      expect(members.size).toBe(27);
      expect(JSON.parse(members.get(`${key}.json`)!.toString())).toEqual(rows[14]);
    } else if (outputFormat === "files") {
      expect((await readdir(join(dir, "out", "00000"))).length).toBe(27);
    } else {
      expect(rows.filter(({ jpg }) => jpg !== null && jpg !== undefined).length).toBe(9);
    }
  },
);

test("hashes are those of the bytes as fetched, and a wrong one refuses the picture", async () => {
  await fetchInto(["/ok/1", "/ok/2"], { computeHash: "md5" });
  const [first] = await rowsOf("00000.parquet");
  const list = join(dir, "hashes.jsonl");
  await writeFile(
    list,
    ["/ok/1", "/ok/2"]
      .map((path) => JSON.stringify({ url: server.origin + path, sum: first!["md5"] }))
      .join("\n"),
  );
  await rm(join(dir, "out"), { recursive: true });
  const verify = {
    computeHash: "md5",
    verifyHash: { column: "sum", hash: "md5" },
    captionCol: null,
    urlList: list,
  };
  await fetchInto([], verify);
  const rows = await rowsOf("00000.parquet");
  expect(Object.keys(rows[0]!).slice(0, 3)).toEqual(["md5", "url", "key"]);
  expect(rows.map(({ error_message }) => error_message)).toEqual([null, "hash_mismatch"]);
});

test("a stopped run leaves finished shards alone and nothing unfinished", async () => {
  const controller = new AbortController();
  const many = Array.from({ length: 400 }, (_, n) => `/ok/${n}`);
  const running = fetchInto(many, { numberSamplePerShard: 20 }, { signal: controller.signal });
  while (server.asked.length < 150) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  const names = await readdir(join(dir, "out"));
  const stems = (end: string) => names.filter((name) => name.endsWith(end)).map((name) => name.slice(0, 5));
  expect(stems("_stats.json")).toEqual(stems(".tar"));
  expect((await readdir(join(dir, "out", ".tmp"))).length).toBe(0);
  await fetchInto(many, { numberSamplePerShard: 20 });
  expect((await readdir(join(dir, "out"))).filter((name) => name.endsWith(".tar")).length).toBe(20);
});
