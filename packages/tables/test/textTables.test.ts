import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  openTable,
  parseDelimiter,
  type RowOptions,
  type TableFile,
  type TableFormat,
  tableFormatOf,
  tableOfBytes,
  wholeText,
} from "../src/index.js";

/** A file that comes in pieces of so many bytes. */
const inPieces = (data: string | Uint8Array, name: string, size: number): TableFile => {
  const bytes = Buffer.from(data as Uint8Array);
  return {
    ...tableOfBytes(bytes, name),
    read: () =>
      Promise.resolve(
        (async function* () {
          for (let at = 0; at < bytes.length; at += size)
            yield await Promise.resolve(bytes.subarray(at, at + size));
        })(),
      ),
  };
};

interface Found {
  rows: unknown[][];
  lines: number[];
  notes: string[];
}

async function rowsOf(
  data: string | Uint8Array,
  columns: string[],
  {
    format = "csv",
    size = 1 << 16,
    ...more
  }: Partial<RowOptions> & { format?: TableFormat; size?: number } = {},
): Promise<Found> {
  const notes: string[] = [];
  const options = { columns, columnHint: "Name them.", onNote: (note: string) => notes.push(note), ...more };
  const table = await openTable(inPieces(data, "t.csv", size), format, options);
  const rows: unknown[][] = [];
  const lines: number[] = [];
  for await (const batch of table.read())
    for (const { line, values } of batch) {
      lines.push(line);
      rows.push(values ?? ["malformed"]);
    }
  return { rows, lines, notes };
}

describe("csv", () => {
  test.each([
    ["LF", "\n"],
    ["CRLF", "\r\n"],
    ["CR", "\r"],
  ])("lines may end by %s, also within quotes, wherever the pieces are cut", async (_, end) => {
    const text = ["a,b", '1,"x', 'y ""z"", w"', "", '"2",', "3,last"].join(end);
    for (const size of [1, 2, 3, 7, 1000])
      expect(await rowsOf(text, ["b", "a"], { size })).toEqual({
        rows: [
          [`x${end}y "z", w`, "1"],
          [null, "2"],
          ["last", "3"],
        ],
        lines: [2, 5, 6],
        notes: [],
      });
  });

  test.each([
    ["a record with more fields", "a,b\n1,2\n1,2,3\n", 3, 3],
    ["one with fewer", "a,b\n1,2\n\n1\n", 4, 1],
    ["one after a value of two lines", 'a,b\n"1\n1",2\n1,"2",3', 4, 3],
    ["one at the end of CR lines", "a,b\r1,2\r1,2,3", 3, 3],
  ])("%s is an error that names file and line", async (_, text, line, fields) => {
    await expect(rowsOf(text, ["a"])).rejects.toMatchObject({
      code: "table_row",
      message: `Line ${line} of t.csv has ${fields} fields, but its header has 2`,
    });
    const kept = await rowsOf(text, ["a"], { badRows: "keep" });
    expect(kept.rows.filter(([one]) => one === "malformed").length).toBe(1);
    expect(kept.lines.at(-1)).toBe(line);
  });

  test("a quote that is never closed is told by the line on which it opens", async () => {
    for (const size of [3, 1000])
      await expect(rowsOf('a,b\n1,2\n3,"4\n5,6\n7,8\n', ["a"], { size })).rejects.toMatchObject({
        code: "table_quote",
        message: "A quote opens on line 3 of t.csv and is never closed",
      });
  });

  test("quotes within an unquoted value, and text after a closing quote, belong to the value", async () => {
    expect((await rowsOf('a,b\n5" pipe,"x"y\n', ["a", "b"])).rows).toEqual([['5" pipe', "xy"]]);
  });

  test("fields come back as they were written, however the pieces are cut", async () => {
    const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", " ", "é"), minLength: 1 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(field, field), { minLength: 1 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom("\n", "\r\n", "\r"),
        async (rows, size, end) => {
          const quoted = rows.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(","));
          expect((await rowsOf(["a,b", ...quoted].join(end), ["a", "b"], { size })).rows).toEqual(rows);
        },
      ),
    );
  });

  test("the delimiter is found by the first line where only it has the wanted columns there, and told", async () => {
    for (const [delimiter, name] of [
      ["\t", "tab"],
      [";", "semicolon"],
      ["|", "pipe"],
    ]) {
      const text = `b${delimiter} "a" ${delimiter}c\n1, one${delimiter}2${delimiter}3\n`;
      expect(await rowsOf(text.replaceAll('"', ""), ["a", "b"])).toEqual({
        rows: [["2", "1, one"]],
        lines: [2],
        notes: [`t.csv is read with the delimiter ${name}, as its first line has it`],
      });
    }
    expect((await rowsOf("a;b,c\n1;2,3\n", ["c"])).rows).toEqual([["3"]]);
    expect((await rowsOf("a,b;c\n1,2;3\n", ["a,b"], { delimiter: ";" })).rows).toEqual([["1,2"]]);
    expect((await rowsOf("a,b\n1,2\n", ["b"], { format: "tsv" })).rows).toEqual([["2"]]);
  });

  test("a column that isn't there is told with those that are, and with what another delimiter would give", async () => {
    await expect(rowsOf("filepath\ttitle\n1\t2\n", ["path"])).rejects.toMatchObject({
      code: "column_missing",
      message: 't.csv has no column "path"; it has "filepath\\ttitle"',
      hint: 'With --delimiter tab its columns are "filepath", "title". Name them.',
    });
    await expect(rowsOf("", ["path"])).rejects.toMatchObject({
      message: 't.csv has no column "path"; it has none',
    });
  });

  test("a wanted column that is there twice is an error, another is not", async () => {
    await expect(rowsOf("a,b,a\n1,2,3\n", ["a"])).rejects.toMatchObject({ code: "table_column_twice" });
    expect((await rowsOf("a,b,a\n1,2,3\n", ["b"])).rows).toEqual([["2"]]);
  });

  test.each([
    ["a line", `a,b\n${"x".repeat(5 << 20)}`, "table_line_too_long"],
    ["a header", "x".repeat(5 << 20), "table_line_too_long"],
    ["a quoted value", `a,b\n1,"${"x\n".repeat(3 << 20)}`, "table_quote"],
  ])("%s without an end is an error before it fills memory", async (_, text, code) => {
    await expect(rowsOf(text, ["a"])).rejects.toMatchObject({ code });
  });
});

describe("text", () => {
  test.each([
    ["UTF-8 with a mark", Buffer.from("\ufeffa,b\n1,é😀\n")],
    ["UTF-16, little end first", Buffer.from("\ufeffa,b\n1,é😀\n", "utf16le")],
    ["UTF-16, big end first", Buffer.from("\ufeffa,b\n1,é😀\n", "utf16le").swap16()],
    ["gzip", gzipSync("a,b\n1,é😀\n")],
    ["several gzip members", Buffer.concat([gzipSync("a,b\n1,"), gzipSync("é😀\n")])],
  ])("%s is understood, wherever the pieces are cut", async (_, bytes) => {
    for (const size of [1, 3, 1000])
      expect((await rowsOf(bytes, ["a", "b"], { size })).rows).toEqual([["1", "é😀"]]);
  });

  test.each([
    ["Latin-1", Buffer.from("a,b\n1,2\n3,caf\xe9\n5,6\n", "latin1"), /^t\.csv is not UTF-8 text: line 3 has/],
    ["UTF-16 without a mark", Buffer.from("a,b\n1,2\n", "utf16le"), /holds zero bytes/],
    ["zeros", Buffer.alloc(1 << 20), /holds zero bytes/],
    ["a zip", Buffer.from("PK\u0003\u0004 and so on"), /is a zip archive/],
    ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]), /is compressed by zstd/],
    ["a parquet", Buffer.from("PAR1 and so on"), /is a parquet file/],
    ["gzip that is cut off", gzipSync("a,b\n".repeat(1000)).subarray(0, 30), /damaged or cut off/],
  ])("%s is refused by what it is", async (_, bytes, says) => {
    const failed = await rowsOf(bytes, ["a"]).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "table_invalid", message: expect.stringMatching(says) as string });
    expect((failed as { hint: string }).hint).not.toBeNull();
  });

  test("a txt has one value a line, commas and quotes belong to it", async () => {
    const text = 'http://a/1,2?"x"\r\n\r http://a/2 \nhttp://a/3';
    for (const size of [1, 1000])
      expect(await rowsOf(text, ["url", "caption"], { format: "txt", size })).toMatchObject({
        rows: [
          ['http://a/1,2?"x"', null],
          ["http://a/2", null],
          ["http://a/3", null],
        ],
        lines: [1, 3, 4],
      });
  });
});

describe("JSON", () => {
  const json = (text: string, more: Parameters<typeof rowsOf>[2] = {}) =>
    rowsOf(text, ["url", "n"], { format: "json", ...more });

  test.each([
    ["an array", '[{"url": "a]}\\"", "n": NaN},\r\n {"n": 9007199254740993, "url": "b"} ]'],
    ["lines", '{"url": "a]}\\"", "n": -Infinity}\r{"n": 9007199254740993, "url": "b"}\r'],
    ["a mark, and no line ends", '\ufeff{"url": "a]}\\""}{"n": 9007199254740993, "url": "b"}'],
  ])("%s: NaN is null, every digit is kept, wherever the pieces are cut", async (_, text) => {
    for (const size of [1, 2, 5, 1000])
      expect((await json(text, { size })).rows).toEqual([
        ['a]}"', null],
        ["b", 9007199254740993n],
      ]);
  });

  test.each([
    ["an array that is cut off", '[{"url": "a", "n": 1},\n', "ends before its array is closed"],
    [
      "an object that is cut off",
      '{"url": "a", "n": 1}\n{"url"',
      "ends in the middle of the value that begins on line 2",
    ],
    ["a missing comma", '[{"url": "a", "n": 1}\n{"url": "b"}]', "where a comma or ] should be (line 2)"],
    ["what follows an array", '[{"url": "a", "n": 1}]\nx', "after its array's end (line 2)"],
    ["a wrong value", '{"url": "a", "n": 1}\n\n{"url": x}', "Line 3 of t.csv is no valid JSON"],
    ["no object", '{"url": "a", "n": 1}\n["b"]', 'Line 2 of t.csv holds ["b"] where an object should be'],
    ["columns instead of rows", '{"url": {"0": "a"}, "n": {"0": 1}}', "is written by columns, not by rows"],
    [
      "an endless value",
      `[{"url": "${"x".repeat(5 << 20)}`,
      "a value of more than 4194304 characters on line 1",
    ],
  ])("%s is an error that says where", async (_, text, says) => {
    for (const size of [7, 1 << 16].slice(text.length > 1000 ? 1 : 0)) {
      const failed = await json(text, { size }).catch((error: unknown) => error);
      expect(failed).toMatchObject({ code: "table_json", message: expect.stringContaining(says) as string });
    }
  });

  test("a key that no object has is an error, one that some lack is null", async () => {
    await expect(json('{"url": "a"}\n')).rejects.toMatchObject({ code: "column_missing" });
    expect((await json('{"url": "a"}\n{"url": "b", "n": 1}')).rows).toEqual([
      ["a", null],
      ["b", 1],
    ]);
  });

  test("a bad object can be kept as a row without values", async () => {
    expect(
      (await json('{"url": "a", "n": 1}\n{"url": x}\n3\n{"url": "c"}', { badRows: "keep" })).rows,
    ).toEqual([["a", 1], ["malformed"], ["malformed"], ["c", null]]);
  });

  test("values come back as they were written, however the pieces are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ url: fc.string(), n: fc.jsonValue() })),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (rows, size, asLines) => {
          fc.pre(rows.length > 0);
          const text = asLines
            ? rows.map((row) => JSON.stringify(row)).join("\n")
            : JSON.stringify(rows, null, 1);
          const expected = (JSON.parse(JSON.stringify(rows)) as typeof rows).map(({ url, n }) => [url, n]);
          const found = (await json(text, { size })).rows.map(([url, n]) => [
            url,
            JSON.parse(JSON.stringify(n, big)) as unknown,
          ]);
          expect(found).toEqual(expected);
        },
      ),
    );
  });
});

const big = (_: string, value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

test("a whole text is decoded alike, and one that no string can hold is an error", async () => {
  const file = tableOfBytes(gzipSync(Buffer.from("\ufeffone\ntwo", "utf16le")), "t.txt");
  expect(await wholeText(file)).toBe("one\ntwo");
  await expect(wholeText(file, 6)).rejects.toMatchObject({ code: "text_too_long" });
});

test("names tell formats, before .gz too", () => {
  const names = ["a.csv", "a.TSV.gz", "a.tab", "a.ndjson", "a.b.parquet", "a.md", "csv"];
  expect(names.map(tableFormatOf)).toEqual(["csv", "tsv", "tsv", "jsonl", "parquet", null, null]);
});

test("a delimiter is a character or its name", () => {
  expect([";", "tab", "\\t", "Comma", "pipe"].map(parseDelimiter)).toEqual([";", "\t", "\t", ",", "|"]);
  for (const wrong of ["", "ab", '"', "\n"]) expect(() => parseDelimiter(wrong)).toThrow(/one character/);
});
