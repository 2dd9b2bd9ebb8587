import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "@pairloom/config";
import fc from "fast-check";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TableFormat, tableFormats, tableOfBytes } from "@pairloom/tables";
import { parseQueryList, type QueryList } from "../src/parseQueryList.js";
import { readQueryList } from "../src/readQueryList.js";

const parse = (list: string | Uint8Array, format?: TableFormat): Promise<QueryList> =>
  parseQueryList(typeof list === "string" ? list : tableOfBytes(list, "here"), "here", format);

const queriesOf = async (list: string | Uint8Array, format?: TableFormat): Promise<string[]> =>
  (await parse(list, format)).queries;

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).hint).not.toBeNull();
    return (error as UserError).code;
  }
  return "none";
}

describe("a query list as text", () => {
  test("one query a line; comments, blank lines, quotes and stray whitespace are cleared away", async () => {
    const text = '# birds\nred kite\n\n  blue   tit \r\n"great tit"\n"say ""hi"""\r# end\rwren';
    expect(await queriesOf(text)).toEqual(["red kite", "blue tit", "great tit", 'say "hi"', "wren"]);
  });

  test("doubles and overlong lines are counted, letters are composed", async () => {
    const list = await parse(`cafe\u0301\ncaf\u00e9\nwren\nwren\n${"x".repeat(301)}\n${"y".repeat(300)}`);
    expect(list).toEqual({ queries: ["caf\u00e9", "wren", "y".repeat(300)], duplicates: 2, tooLong: 1 });
  });

  test.each([
    ["a UTF-8 mark", Buffer.from("\ufeffwren\ntit")],
    ["UTF-16, little end first", Buffer.from("\ufeffwren\ntit", "utf16le")],
    ["UTF-16, big end first", Buffer.from("\ufeffwren\ntit", "utf16le").swap16()],
    ["gzip", gzipSync("wren\ntit")],
  ])("%s is understood", async (_name, bytes) => {
    expect(await queriesOf(bytes)).toEqual(["wren", "tit"]);
  });
});

describe("other formats", () => {
  test("csv and tsv: the query column, quoted as in RFC 4180, or the only column", async () => {
    expect(await queriesOf('n,Query\r\n1,"a ""b"", c"\r\n2,wren\r\n', "csv")).toEqual(['a "b", c', "wren"]);
    expect(await queriesOf('query\tn\n"red", yes\t1\n', "tsv")).toEqual(["red, yes"]);
    expect(await queriesOf("query\tn\nred kite\t1\n", "tsv")).toEqual(["red kite"]);
    expect(await queriesOf("red kite\nwren\n", "csv")).toEqual(["red kite", "wren"]);
    expect(await codeOf(() => queriesOf("a,b\n1,2\n", "csv"))).toBe("query_list_format");
  });

  test("a record with another number of fields than the first is an error that names the line", async () => {
    for (const list of ["n,query\n1,wren\n3\n", "red kite\nwren\nred, yes\n"])
      await expect(queriesOf(list, "csv")).rejects.toThrow(/Line 3 of the query list here has/);
  });

  test("a csv that is separated by something else is found by its column", async () => {
    expect(await queriesOf("n;Query\n1;red, yes\n", "csv")).toEqual(["red, yes"]);
    expect(await queriesOf("query\tn\rwren\t1\r", "csv")).toEqual(["wren"]);
  });

  test("NaN beside a query doesn't stop the list", async () => {
    expect(await queriesOf('{"query": "wren", "n": NaN}\n', "jsonl")).toEqual(["wren"]);
  });

  test("parquet: the column query", async () => {
    const file = parquetWriteBuffer({
      columnData: [
        { name: "n", data: [1, 2, 3] },
        { name: "query", data: ["wren", null, "tit"], type: "STRING", nullable: true },
      ],
    });
    expect(await queriesOf(new Uint8Array(file), "parquet")).toEqual(["wren", "tit"]);
  });

  test("json and jsonl: strings or objects, found out by the first letter where no format is given", async () => {
    expect(await queriesOf('["wren", {"query": "tit"}]')).toEqual(["wren", "tit"]);
    expect(await queriesOf('{"queries": ["wren"]}')).toEqual(["wren"]);
    expect(await queriesOf('{"query": "wren"}\n"tit"\n\n', "jsonl")).toEqual(["wren", "tit"]);
    expect(await queriesOf('{"query": "wren"}\n{"query": "tit"}\n')).toEqual(["wren", "tit"]);
    expect(await codeOf(() => queriesOf("[1]"))).toBe("query_list_format");
    expect(await codeOf(() => queriesOf('["wren"', "json"))).toBe("table_json");
    expect(await codeOf(() => queriesOf("3", "json"))).toBe("query_list_format");
  });
});

describe("what is no query list", () => {
  test.each([
    ["nothing", "", "query_list_empty"],
    ["comments alone", "# a\n\n#b", "query_list_empty"],
    ["an empty array", "[]", "query_list_empty"],
    ["a picture", Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"), "query_list_binary"],
    ["zeros", Buffer.alloc(100), "query_list_binary"],
    ["broken gzip", gzipSync("wren\ntit").subarray(0, 15), "query_list_binary"],
    ["Latin-1", Buffer.from("caf\xe9", "latin1"), "query_list_binary"],
  ])("%s is refused with a hint", async (_name, bytes, code) => {
    expect(await codeOf(() => queriesOf(bytes))).toBe(code);
  });

  test("whatever the bytes and the format, there are queries or a UserError", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.string({ maxLength: 60 })),
        fc.constantFrom<TableFormat | undefined>(undefined, ...tableFormats),
        async (list, format) => {
          try {
            const { queries } = await parse(list, format);
            expect(queries.length).toBeGreaterThan(0);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("readQueryList", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "querylist-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test("takes the format from the extension", async () => {
    await writeFile(join(dir, "a.csv.gz"), gzipSync("id,query\n1,wren\n"));
    expect((await readQueryList(join(dir, "a.csv.gz"))).queries).toEqual(["wren"]);
    await writeFile(join(dir, "b"), "# none\nwren\n");
    expect((await readQueryList(join(dir, "b"))).queries).toEqual(["wren"]);
  });

  test("a missing file and a folder say so", async () => {
    await expect(readQueryList(join(dir, "none.txt"))).rejects.toMatchObject({ code: "query_list_missing" });
    await expect(readQueryList(dir)).rejects.toThrow("is a folder");
  });
});
