import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listSettings, type ListSettings } from "../src/list/listSettings.js";
import { fieldsOf } from "../src/list/read/delimitedRows.js";
import { readList, type ShardOfList } from "../src/list/read/readList.js";

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "lists-"))));
afterAll(() => rm(dir, { recursive: true, force: true }));

function settings(urlList: string, more: Record<string, unknown> = {}): ListSettings {
  return listSettings.parse({ urlList, outputFolder: "unused", image: {}, web: {}, ...more });
}

async function shardsOf(wish: ListSettings, done: number[] = [], firstShard = 0): Promise<ShardOfList[]> {
  const shards: ShardOfList[] = [];
  const position = { bytes: 0, totalBytes: 0 };
  for await (const shard of readList(wish, { firstShard, isDone: (n) => done.includes(n), position }))
    shards.push(shard);
  expect(position.bytes).toBe(position.totalBytes);
  return shards;
}

const urls = (shards: ShardOfList[]) => shards.map(({ rows }) => rows.map(({ url }) => url));

async function write(name: string, data: string | Uint8Array): Promise<string> {
  const path = join(dir, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, data);
  return path;
}

const columns = { captionCol: "text", saveAdditionalColumns: ["n"] };
const expected = [
  { url: "http://a/1", caption: 'one, "two"\nlines', hash: null, more: [1] },
  { url: "http://a/2", caption: null, hash: null, more: [2] },
];

test("csv and tsv keep quotes, delimiters and line breaks within fields; their values are texts", async () => {
  for (const [name, delimiter] of [
    ["q.csv", ","],
    ["q.tsv", "\t"],
  ] as const) {
    const text = ["text", "url", "n", "skipped"].join(delimiter) + "\r\n";
    const rows = `"one, ""two""\nlines"${delimiter}http://a/1${delimiter}1${delimiter}x\r\n${delimiter}http://a/2${delimiter}2${delimiter}\r\n`;
    const [shard] = await shardsOf(settings(await write(name, text + rows), columns));
    expect(shard!.rows).toEqual(expected.map((row) => ({ ...row, more: [String(row.more[0])] })));
  }
});

test("json arrays, json lines and parquet give the same rows, numbers as numbers", async () => {
  const objects = [
    { url: "http://a/1", text: 'one, "two"\nlines', n: 1, other: { deep: ["}", 1] } },
    { n: 2, url: "http://a/2", text: null },
  ];
  const parquet = parquetWriteBuffer({
    columnData: [
      { name: "n", data: [1n, 2n], type: "INT64" },
      { name: "text", data: ['one, "two"\nlines', null], type: "STRING", nullable: true },
      { name: "url", data: ["http://a/1", "http://a/2"], type: "STRING" },
    ],
  });
  const lists = [
    await write("a.json", JSON.stringify(objects, null, 1)),
    await write("a.jsonl", objects.map((one) => JSON.stringify(one)).join("\n")),
    await write("a.parquet", new Uint8Array(parquet)),
    await write("b.jsonl.gz", gzipSync(objects.map((one) => JSON.stringify(one)).join("\r\n") + "\r\n")),
  ];
  for (const list of lists) {
    const [shard] = await shardsOf(settings(list, columns));
    expect(shard!.rows).toEqual(expected);
    expect(shard!.kinds).toEqual(["long"]);
  }
});

test("a txt list is one URL a line, gzip'd or not, whatever its name says of that", async () => {
  const text = "\ufeffhttp://a/1\r\n\r\n http://a/2 \nhttp://a/3";
  for (const data of [text, gzipSync(text)]) {
    const wish = settings(await write("odd name.list", data), { inputFormat: "txt" });
    expect(urls(await shardsOf(wish))).toEqual([["http://a/1", "http://a/2", "http://a/3"]]);
  }
});

test("each file of a folder begins a new shard, and shards that are done are passed over", async () => {
  await write("folder/b.txt", "http://b/1\nhttp://b/2\nhttp://b/3");
  await write("folder/a.csv", "url\nhttp://a/1\nhttp://a/2\nhttp://a/3\nhttp://a/4\n");
  await write("folder/notes.md", "no list");
  await write("folder/below/c.txt", "http://c/1");
  const parquet = parquetWriteBuffer({
    columnData: [{ name: "url", data: Array.from({ length: 7 }, (_, i) => `http://p/${i}`), type: "STRING" }],
  });
  await write("folder/c.parquet", new Uint8Array(parquet));
  const wish = settings(join(dir, "folder"), { numberSamplePerShard: 3 });
  const all = await shardsOf(wish);
  expect(all.map(({ shard, rows }) => [shard, rows.length])).toEqual([
    [0, 3],
    [1, 1],
    [2, 3],
    [3, 3],
    [4, 3],
    [5, 1],
  ]);
  const some = await shardsOf(wish, [0, 2, 4]);
  expect(some).toEqual(all.filter(({ shard }) => [1, 3, 5].includes(shard)));
  expect((await shardsOf(wish, [], 10)).map(({ shard }) => shard)).toEqual([10, 11, 12, 13, 14, 15]);
  expect(await shardsOf(wish, [0, 1, 2, 3, 4, 5])).toEqual([]);
});

test("a glob finds files by pattern", async () => {
  await write("glob/x1/part-0.txt", "http://x/1");
  await write("glob/x2/part-1.txt", "http://x/2");
  await write("glob/x2/other.txt", "http://x/3");
  expect(urls(await shardsOf(settings(join(dir, "glob/x*/part-[01].txt"))))).toEqual([
    ["http://x/1"],
    ["http://x/2"],
  ]);
  expect(urls(await shardsOf(settings(join(dir, "glob/**/other.???"))))).toEqual([["http://x/3"]]);
});

test("what is wrong with a list is said with its name and what to do", async () => {
  const cases: [string, string | Uint8Array, Record<string, unknown>, RegExp][] = [
    ["no.csv", "link,text\nhttp://a,b", {}, /no\.csv has no column "url"; it has "link", "text"/],
    ["open.csv", 'url\nhttp://a\n"http://b\nhttp://c', {}, /A quote is not closed in open\.csv/],
    ["bad.jsonl", '{"url": "http://a"}\n{"url": }', {}, /object 2 is no valid JSON/],
    ["half.json", '[{"url": "http://a"}, {"url": "ht', {}, /ends in the middle of an object/],
    ["plain.json", "hello", {}, /holds "hello" where an object should begin/],
    ["columns.json", '{"url": {"0": "http://a"}}', { urlCol: "link" }, /no "link"/],
    ["no.parquet", "PAR1 no PAR1", {}, /no\.parquet is no parquet file/],
    ["latin.txt", Uint8Array.of(0x68, 0xe4, 0x0a), {}, /latin\.txt is not UTF-8/],
    ["cut.txt.gz", gzipSync("http://a\n".repeat(1000)).subarray(0, 30), {}, /cut\.txt\.gz is not UTF-8 text/],
    ["what.list", "http://a", {}, /doesn't say what kind of list/],
  ];
  for (const [name, data, more, says] of cases) {
    await expect(shardsOf(settings(await write(name, data), more))).rejects.toThrow(says);
  }
  await expect(shardsOf(settings(join(dir, "nowhere.txt")))).rejects.toThrow(/no file, folder or match/);
});

test("fields come back as they were written, and a record is open exactly while a quote is", () => {
  const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", " ", "é") });
  fc.assert(
    fc.property(fc.array(field, { minLength: 1 }), (fields) => {
      const record = fields.map((one) => `"${one.replaceAll('"', '""')}"`).join(",");
      expect(fieldsOf(record, ",")).toEqual(fields);
      expect(fieldsOf(record.slice(0, -1), ",") === null || fields.at(-1) === "").toBe(true);
    }),
  );
});
