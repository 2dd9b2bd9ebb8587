import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parsePythonJson } from "@pairloom/config";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bytesColumn,
  type ColumnType,
  intColumn,
  jsonColumnType,
  jsonText,
  localTable,
  noValue,
  openParquetTable,
  ParquetFile,
  tableOfBytes,
  textColumn,
  type ValueKind,
  widen,
} from "../src/index.js";

/** Parquet files by pyarrow, and what it reads from them; see the README there. */
const folder = fileURLToPath(new URL("fixtures/kinds/", import.meta.url));
const golden = parsePythonJson(await readFile(`${folder}golden.json`, "utf8"), {
  integers: "bigint",
}) as Record<string, [name: string, values: unknown[]][]>;
const files = (await readdir(folder)).filter((name) => name.endsWith(".parquet"));

let dir: string;
beforeAll(async () => void (dir = await mkdtemp(join(tmpdir(), "kinds-"))));
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What a column's cells are in JSON, as the golden file has them. */
async function columnOf(
  path: string,
  name: string,
): Promise<{ json: unknown; cells: unknown[]; type: ColumnType }> {
  const { read, types } = await openParquetTable(await localTable(path), [name], { batchRows: 2 });
  const cells: unknown[] = [];
  for await (const batch of read()) cells.push(...batch.map(([cell]) => cell));
  const type = types[0]!;
  const text = jsonText(cells.map((cell) => type.toJson(cell)));
  return { json: parsePythonJson(text, { integers: "bigint" }), cells, type };
}

async function written(columns: { name: string; type: ColumnType }[], rows: unknown[][]): Promise<string> {
  const path = join(dir, `${Math.random()}.parquet`);
  const out = await ParquetFile.create(path, columns, 2);
  for (const row of rows) await out.add(row);
  await out.close();
  return path;
}

test("every file has its golden values, and the other way round", () => {
  expect(Object.keys(golden).sort()).toEqual(files.sort());
  expect(files.length).toBeGreaterThan(25);
});

describe.each(files)("%s", (name) => {
  const columns = golden[name]!;
  const twice = (column: string) => columns.filter(([one]) => one === column).length > 1;

  test.each(columns)(
    "%s is read as pyarrow reads it, and is the same when it is written again",
    async (column, values) => {
      const path = `${folder}${name}`;
      if (twice(column)) {
        await expect(columnOf(path, column)).rejects.toMatchObject({ code: "table_column_twice" });
        return;
      }
      const { json, cells, type } = await columnOf(path, column);
      expect(json).toEqual(values);
      const again = await columnOf(
        await written(
          [{ name: column, type }],
          cells.map((cell) => [cell]),
        ),
        column,
      );
      expect(again.json).toEqual(values);
      expect(again.cells).toEqual(cells);
      const said = ({ elements }: ColumnType) =>
        elements.map(({ type: physical, converted_type, logical_type, repetition_type }) => ({
          physical,
          kind: converted_type ?? logical_type?.type,
          repetition_type,
        }));
      expect(said(again.type)).toEqual(said(type));
    },
  );
});

test("all columns of a file can be written side by side", async () => {
  const table = await openParquetTable(await localTable(`${folder}more_kinds.parquet`), "all");
  const rows: unknown[][] = [];
  for await (const batch of table.read()) rows.push(...batch);
  const columns = table.columns.map((name, at) => ({ name, type: table.types[at]! }));
  const again = await openParquetTable(await localTable(await written(columns, rows)), "all");
  expect(again.rows).toBe(3);
  for await (const batch of again.read()) expect(batch).toEqual(rows);
});

test("reading from a row on gives the rows from there", async () => {
  const table = await openParquetTable(await localTable(`${folder}empty_groups.parquet`), ["caption"]);
  const from = async (row: number) => {
    const values: unknown[] = [];
    for await (const batch of table.read(row)) values.push(...batch.flat());
    return values;
  };
  expect([await from(0), await from(1), await from(2)]).toEqual([
    ["one", null, "three"],
    [null, "three"],
    ["three"],
  ]);
});

test("what can't be read or kept is refused when the file is opened, by the column's name", async () => {
  const file = await localTable(`${folder}nested.parquet`);
  await expect(openParquetTable(file, ["nowhere"], { columnHint: "hint" })).rejects.toMatchObject({
    code: "column_missing",
    message: expect.stringMatching(/no column "nowhere"; it has "url", "caption", "meta", "m"/) as string,
    hint: "hint",
  });
  const bytes = await readFile(`${folder}c_zstd.parquet`);
  for (const broken of [bytes.subarray(0, 200), Buffer.from("PAR1 none PAR1"), Buffer.alloc(0)])
    await expect(openParquetTable(tableOfBytes(broken, "b.parquet"), ["url"])).rejects.toMatchObject({
      code: "parquet_unreadable",
    });
  const damaged = Buffer.from(bytes);
  damaged.fill(0xff, 40, 120);
  const read = async () => {
    const { read: rows } = await openParquetTable(tableOfBytes(damaged, "damaged.parquet"), ["url"]);
    for await (const _ of rows()) continue;
  };
  await expect(read()).rejects.toMatchObject({ code: "parquet_unreadable" });
});

test("our own columns take their values and null", async () => {
  const columns = [
    { name: "t", type: textColumn },
    { name: "i", type: intColumn },
    { name: "b", type: bytesColumn },
  ];
  const rows = [
    ["\ud800 alone", -1, Buffer.from([1, 2])],
    [null, null, null],
    ["", 2 ** 31 - 1, Buffer.alloc(0)],
  ];
  const table = await openParquetTable(await localTable(await written(columns, rows)), "all");
  const found: unknown[][] = [];
  for await (const batch of table.read()) found.push(...batch);
  expect(
    found.map(([t, i, b]) => [t, i, b === null ? null : Buffer.from(b as Uint8Array).toString("hex")]),
  ).toEqual([
    ["\ufffd alone", -1, "0102"],
    [null, null, null],
    ["", 2 ** 31 - 1, ""],
  ]);
});

test("any values of a JSON column can be written, and numbers keep every digit", async () => {
  const whole = fc.oneof(fc.integer(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }));
  const scalar = fc.oneof(
    whole,
    fc.double({ noNaN: true }),
    fc.string({ unit: "binary" }),
    fc.boolean(),
    fc.constant(null),
  );
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      scalar,
      fc.array(tie("any"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom("a", "b", "c"), tie("any"), { maxKeys: 3 }),
    ),
  }));
  const alike = fc.oneof(
    fc.array(any, { maxLength: 6 }),
    fc.array(whole, { maxLength: 6 }),
    fc.array(fc.array(fc.option(whole), { maxLength: 3 }), { maxLength: 6 }),
    fc.array(fc.option(fc.record({ a: whole, b: fc.array(fc.string()) }, { requiredKeys: [] })), {
      maxLength: 6,
    }),
  );
  await fc.assert(
    fc.asyncProperty(alike, async (raw) => {
      // As the reader gives numbers: bigints only beyond a double's digits.
      const values = raw.map((value) => parsePythonJson(jsonText(value), { integers: "bigint" }));
      const kind = values.reduce(widen, noValue);
      const type = jsonColumnType(kind);
      const path = await written(
        [{ name: "x", type }],
        values.map((value) => [value]),
      );
      const { json } = await columnOf(path, "x");
      expect(json).toEqual(values.map((value) => shaped(kind, value)));
    }),
    { numRuns: 150 },
  );
});

/** A value as a column of this kind has it. */
function shaped(kind: ValueKind, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  switch (kind.kind) {
    case "list":
      return (value as unknown[]).map((item) => shaped(kind.item, item));
    case "struct": {
      const object = value as Record<string, unknown>;
      return Object.fromEntries([...kind.fields].map(([name, field]) => [name, shaped(field, object[name])]));
    }
    case "boolean":
    case "whole":
    case "double":
      return value;
    default:
      return typeof value === "string" ? Buffer.from(value).toString() : jsonText(value);
  }
}
