import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listSettings, type ListSettings } from "../src/list/listSettings.js";
import { openList } from "../src/list/read/openList.js";
import { readList, type ShardOfList } from "../src/list/read/readList.js";

/** Parquet files by pyarrow; see the README there. */
const kinds = fileURLToPath(new URL("../../../packages/tables/test/fixtures/kinds/", import.meta.url));

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "lists-"))));
afterAll(() => rm(dir, { recursive: true, force: true }));

function settings(urlList: string, more: Record<string, unknown> = {}): ListSettings {
  return listSettings.parse({ urlList, outputFolder: "unused", image: {}, web: {}, ...more });
}

async function shardsOf(wish: ListSettings, done: number[] = [], firstShard = 0): Promise<ShardOfList[]> {
  const shards: ShardOfList[] = [];
  const position = { bytes: 0, totalBytes: 0 };
  const list = await openList(wish, {});
  for await (const shard of readList(list, wish, { firstShard, isDone: (n) => done.includes(n), position }))
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
    expect(shard!.rows.map((row) => ({ ...row, more: row.more.map(Number) }))).toEqual(expected);
    expect(shard!.types.map(({ elements }) => elements[0].type)).toEqual(["INT64"]);
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
  const plain = (shards: ShardOfList[]) => shards.map(({ shard, rows }) => ({ shard, rows }));
  expect(plain(some)).toEqual(plain(all.filter(({ shard }) => [1, 3, 5].includes(shard))));
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
    [
      "open.csv",
      'url\nhttp://a\n"http://b\nhttp://c',
      {},
      /A quote opens on line 3 of open\.csv and is never closed/,
    ],
    ["bad.jsonl", '{"url": "http://a"}\n{"url": }', {}, /Line 2 of bad\.jsonl is no valid JSON/],
    [
      "half.json",
      '[{"url": "http://a"}, {"url": "ht',
      {},
      /half\.json ends in the middle of the value that begins on line 1/,
    ],
    ["plain.json", "hello", {}, /Line 1 of plain\.json is no valid JSON/],
    ["cut.json", '[{"url": "http://a"},\n', {}, /cut\.json ends before its array is closed/],
    ["columns.json", '{"url": {"0": "http://a"}}', { urlCol: "link" }, /columns\.json has no column "link"/],
    ["no.parquet", "PAR1 no PAR1", {}, /no\.parquet can't be read as parquet/],
    ["latin.txt", Uint8Array.of(0x68, 0xe4, 0x0a), {}, /latin\.txt is not UTF-8/],
    [
      "cut.txt.gz",
      gzipSync("http://a\n".repeat(1000)).subarray(0, 30),
      {},
      /cut\.txt\.gz is a gzip file that is damaged or cut off/,
    ],
    ["what.list", "http://a", {}, /doesn't say what kind of list/],
  ];
  for (const [name, data, more, says] of cases) {
    await expect(shardsOf(settings(await write(name, data), more))).rejects.toThrow(says);
  }
  await expect(shardsOf(settings(join(dir, "nowhere.txt")))).rejects.toThrow(/no file, folder or match/);
});

test("a list is looked through before anything is read: what is wrong with its last row is told at once", async () => {
  const rows = Array.from({ length: 5000 }, (_, n) => `http://a/${n},x`).join("\n");
  const wish = settings(await write("late.csv", `url,caption\n${rows}\nhttp://a/5000,one,two\n`));
  await expect(openList(wish, {})).rejects.toMatchObject({
    code: "table_row",
    message: "Line 5002 of late.csv has 3 fields, but its header has 2",
  });
});

test("with badRows: keep such a row stays, without values, and the user is told where the first is", async () => {
  const notes: string[] = [];
  const wish = settings(await write("kept.csv", "url,text\nhttp://a/1,x,y\nhttp://a/2,x\nhttp://a/3\n"), {
    badRows: "keep",
    captionCol: "text",
    saveAdditionalColumns: ["text"],
  });
  await openList(wish, { onNote: (note) => notes.push(note) });
  expect(notes).toEqual(["kept.csv: 2 rows are not of the list's form, the first on line 2"]);
  const [shard] = await shardsOf(wish);
  expect(shard!.rows.map(({ url, malformed }) => [url, malformed])).toEqual([
    [null, true],
    ["http://a/2", undefined],
    [null, true],
  ]);
});

test("a JSON column has one type in all shards and files, whatever the first rows are", async () => {
  await write("types/a.jsonl", '{"url": "http://a/1", "n": 1}\n{"url": "http://a/2", "n": 2}\n');
  await write("types/b.jsonl", '{"url": "http://b/1", "n": null}\n{"url": "http://b/2", "n": "many"}\n');
  const wish = settings(join(dir, "types"), { saveAdditionalColumns: ["n"], numberSamplePerShard: 1 });
  const shards = await shardsOf(wish);
  expect(shards.map(({ rows, types }) => types[0]!.toCell(rows[0]!.more[0]))).toEqual([
    "1",
    "2",
    null,
    "many",
  ]);
});

test("a list that is changed between looking through and fetching is an error, not a broken shard", async () => {
  const path = await write("changed.jsonl", '{"url": "http://a/1", "n": 1}\n');
  const wish = settings(path, { saveAdditionalColumns: ["n"] });
  const list = await openList(wish, {});
  await writeFile(path, '{"url": "http://a/1", "n": "one"}\n');
  const position = { bytes: 0, totalBytes: 0 };
  const read = async () => {
    for await (const _ of readList(list, wish, { firstShard: 0, isDone: () => false, position })) continue;
  };
  await expect(read()).rejects.toMatchObject({ code: "table_changed" });
});

test("URLs in lists or structs are refused by the column's name", async () => {
  const path = await write("nested.parquet", await readFile(join(kinds, "nested_url.parquet")));
  await expect(openList(settings(path, { urlCol: "image" }), {})).rejects.toMatchObject({
    code: "table_type",
    message: expect.stringContaining('"image" of nested.parquet') as string,
  });
});
