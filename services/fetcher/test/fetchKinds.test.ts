import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parsePythonJson } from "@pairloom/config";
import { scanTar } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import {
  type FileColumn,
  jsonText,
  localTable,
  openParquetTable,
  ParquetFile,
  textColumn,
} from "@pairloom/tables";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { pictureServer, type PictureServer } from "./pictureServer.js";
import { runList } from "./runList.js";

/** Parquet files by pyarrow, and what it reads from them; see the README there. */
const kinds = fileURLToPath(new URL("../../../packages/tables/test/fixtures/kinds/", import.meta.url));

let dir: string;
let server: PictureServer;
beforeAll(async () => void (server = await pictureServer()));
afterAll(() => server.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "fetch-kinds-"));
  server.asked.length = 0;
  server.mended.clear();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const out = () => join(dir, "out");

async function fetched(
  name: string,
  list: string | Buffer,
  more: Record<string, unknown> = {},
  retry = false,
) {
  await writeFile(join(dir, name), list);
  return runList({ urlList: join(dir, name), store: await openStore(out()), more, retry });
}

/** The additional columns' values of a shard's parquet, as JSON, and their types in its schema. */
async function tableOf(columns: readonly string[]) {
  const { read, types } = await openParquetTable(await localTable(join(out(), "00000.parquet")), columns);
  const rows: unknown[] = [];
  for await (const batch of read())
    rows.push(
      ...batch.map((cells) =>
        parsePythonJson(jsonText(cells.map((cell, at) => types[at]!.toJson(cell))), { integers: "bigint" }),
      ),
    );
  return {
    rows,
    elements: types.map(({ elements }) => elements.map((one) => ({ ...one, name: undefined }))),
  };
}

async function recordsOf(): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  const store = await openStore(out());
  for await (const { name, data } of scanTar(await store.read("00000.tar")))
    if (name.endsWith(".json"))
      records.push(parsePythonJson(data.toString(), { integers: "bigint" }) as Record<string, unknown>);
  return records.sort((a, b) => String(a["key"]).localeCompare(String(b["key"])));
}

describe("a csv whose addresses hold commas", () => {
  const cut = "/ok/7?crop=100";
  const whole = `${cut},200,x0,y0&w=64`;
  const csv = () =>
    [
      "url,caption",
      `${server.origin}${whole},a red barn`,
      `${server.origin}/ok/1,a dog, a cat and a hat`,
      `"${server.origin}${whole}","quoted, so all is well"`,
      `${server.origin}/ok/1`,
    ].join("\n");

  test("is an error that names the line, before anything is fetched or removed", async () => {
    await fetched("good.csv", `url,caption\n${server.origin}/ok/1,x\n`);
    server.asked.length = 0;
    await expect(fetched("list.csv", csv(), { incrementalMode: "overwrite" })).rejects.toMatchObject({
      code: "table_row",
      message: "Line 2 of list.csv has 5 fields, but its header has 2",
    });
    expect(server.asked).toEqual([]);
    expect((await recordsOf()).length).toBe(1);
  });

  test("keeps its bad rows as failed ones where that is asked for; no cut address is ever asked", async () => {
    const tally = await fetched("list.csv", csv(), { badRows: "keep" });
    expect(tally).toMatchObject({ rows: 4, successes: 1 });
    expect([...tally.reasons]).toEqual([["row_malformed", 3]]);
    expect(tally.notes).toEqual(["list.csv: 3 rows are not of the list's form, the first on line 2"]);
    expect(server.asked).toEqual([whole]);
    const { rows } = await tableOf(["url", "caption", "error_message"]);
    expect(rows).toEqual([
      [null, null, "row_malformed"],
      [null, null, "row_malformed"],
      [`${server.origin}${whole}`, "quoted, so all is well", null],
      [null, null, "row_malformed"],
    ]);
  });

  test("as a txt gives both pictures", async () => {
    const list = `${server.origin}${whole}\n${server.origin}/ok/1\n`;
    expect(await fetched("list.txt", list, { captionCol: null })).toMatchObject({ successes: 2 });
    expect(server.asked.sort()).toEqual(["/ok/1", whole]);
  });
});

describe("a JSON list as Python writes it", () => {
  const rows = () => [
    `{"url": "${server.origin}/ok/1", "caption": "first", "similarity": 0.31, "id": 9007199254740993}`,
    `{"url": "${server.origin}/ok/2", "caption": NaN, "similarity": NaN, "id": 1234567890123456789}`,
    `{"url": "${server.origin}/ok/3", "caption": "third", "similarity": -Infinity, "id": 1}`,
  ];
  const columns = ["similarity", "id"];

  test.each([
    ["list.jsonl", () => `\ufeff${rows().join("\n")}\n`],
    ["list.json", () => `[${rows().join(",\n ")}]`],
  ])("%s: NaN and Infinity are null, every digit of an id is kept", async (name, text) => {
    const tally = await fetched(name, text(), { saveAdditionalColumns: columns });
    expect(tally).toMatchObject({ rows: 3, successes: 3 });
    const values = [
      ["first", 0.31, 9007199254740993n],
      [null, null, 1234567890123456789n],
      ["third", null, 1],
    ];
    expect((await tableOf(["caption", ...columns])).rows).toEqual(values);
    const records = await recordsOf();
    expect(records.map((record) => ["caption", ...columns].map((column) => record[column]))).toEqual(values);
  });
});

describe("a parquet list with columns of every kind", () => {
  const golden = async () =>
    (
      parsePythonJson(await readFile(`${kinds}golden.json`, "utf8"), { integers: "bigint" }) as Record<
        string,
        [string, unknown[]][]
      >
    )["more_kinds.parquet"]!;

  /** The fixture with a column of URLs. */
  async function writeList(): Promise<{ columns: FileColumn[]; list: Buffer }> {
    const {
      columns: names,
      types,
      read,
    } = await openParquetTable(await localTable(`${kinds}more_kinds.parquet`), "all");
    const columns = names.map((name, at) => ({ name, type: types[at]! }));
    const path = join(dir, "made.parquet");
    const file = await ParquetFile.create(path, [{ name: "url", type: textColumn }, ...columns]);
    for await (const batch of read())
      for (const [at, cells] of batch.entries())
        await file.add([`${server.origin}/${["ok/1", "503/2", "404"][at]}`, ...cells]);
    await file.close();
    return { columns, list: await readFile(path) };
  }

  test.each(["webdataset", "parquet"] as const)(
    "%s: values are those of the list, types too, also of rows that are fetched again",
    async (outputFormat) => {
      const { columns, list } = await writeList();
      const names = columns.map(({ name }) => name);
      const values = await golden();
      const more = { outputFormat, captionCol: null, saveAdditionalColumns: names };
      await fetched("list.parquet", list, more);
      server.mended.add("/503/2");
      expect(await fetched("list.parquet", list, more, true)).toMatchObject({ rows: 1, successes: 1 });
      const { rows, elements } = await tableOf(names);
      const keyed = (await tableOf(["key"])).rows.map((row) => Number((row as string[])[0]));
      expect(keyed.length).toBe(3);
      keyed.forEach((row, at) => expect(rows[at]).toEqual(values.map(([, column]) => column[row])));
      expect(elements).toEqual(
        columns.map(({ type }) => type.elements.map((one) => ({ ...one, name: undefined }))),
      );
      if (outputFormat === "parquet") return;
      const records = await recordsOf();
      expect(records.length).toBe(2);
      records.forEach((record, row) =>
        expect(names.map((name) => record[name])).toEqual(values.map(([, column]) => column[row])),
      );
    },
  );

  test("a column that can't be kept is refused by name before anything is fetched", async () => {
    const { list } = await writeList();
    await expect(
      fetched("list.parquet", list, { captionCol: null, saveAdditionalColumns: ["u64", "nowhere"] }),
    ).rejects.toMatchObject({ code: "column_missing" });
    expect(server.asked).toEqual([]);
  });
});
