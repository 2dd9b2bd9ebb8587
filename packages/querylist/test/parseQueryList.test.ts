import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UserError } from "@pairloom/config";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseQueryList, type QueryListFormat } from "../src/parseQueryList.js";
import { readQueryList } from "../src/readQueryList.js";

const queriesOf = (list: string | Buffer, format?: QueryListFormat): string[] =>
  parseQueryList(list, "here", format).queries;

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    expect((error as UserError).hint).not.toBeNull();
    return (error as UserError).code;
  }
  return "none";
}

describe("a query list as text", () => {
  test("one query a line; comments, blank lines, quotes and stray whitespace are cleared away", () => {
    const text = '# birds\nred kite\n\n  blue   tit \r\n"great tit"\n"say ""hi"""\r# end\rwren';
    expect(queriesOf(text)).toEqual(["red kite", "blue tit", "great tit", 'say "hi"', "wren"]);
  });

  test("doubles and overlong lines are counted, letters are composed", () => {
    const list = parseQueryList(
      `cafe\u0301\ncaf\u00e9\nwren\nwren\n${"x".repeat(301)}\n${"y".repeat(300)}`,
      "here",
    );
    expect(list).toEqual({ queries: ["caf\u00e9", "wren", "y".repeat(300)], duplicates: 2, tooLong: 1 });
  });

  test.each([
    ["a UTF-8 mark", Buffer.from("\ufeffwren\ntit")],
    ["UTF-16, little end first", Buffer.from("\ufeffwren\ntit", "utf16le")],
    ["UTF-16, big end first", Buffer.from("\ufeffwren\ntit", "utf16le").swap16()],
    ["gzip", gzipSync("wren\ntit")],
  ])("%s is understood", (_name, bytes) => {
    expect(queriesOf(bytes)).toEqual(["wren", "tit"]);
  });
});

describe("other formats", () => {
  test("csv and tsv: the query column, quoted as in RFC 4180, or the only column", () => {
    expect(queriesOf('n,Query\r\n1,"a ""b"", c"\r\n2,wren\r\n3\r\n', "csv")).toEqual(['a "b", c', "wren"]);
    expect(queriesOf('query\tn\n"red", yes\t1\n', "tsv")).toEqual(["red, yes"]);
    expect(queriesOf("query\tn\nred kite\t1\n", "tsv")).toEqual(["red kite"]);
    expect(queriesOf("red kite\nwren\n", "csv")).toEqual(["red kite", "wren"]);
    expect(codeOf(() => queriesOf("a,b\n1,2\n", "csv"))).toBe("query_list_format");
  });

  test("json and jsonl: strings or objects, found out by the first letter where no format is given", () => {
    expect(queriesOf('["wren", {"query": "tit"}]')).toEqual(["wren", "tit"]);
    expect(queriesOf('{"queries": ["wren"]}')).toEqual(["wren"]);
    expect(queriesOf('{"query": "wren"}\n"tit"\n\n', "jsonl")).toEqual(["wren", "tit"]);
    expect(queriesOf('{"query": "wren"}\n{"query": "tit"}\n')).toEqual(["wren", "tit"]);
    expect(codeOf(() => queriesOf("[1]"))).toBe("query_list_format");
    expect(codeOf(() => queriesOf('["wren"', "json"))).toBe("query_list_format");
    expect(codeOf(() => queriesOf("3", "json"))).toBe("query_list_format");
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
  ])("%s is refused with a hint", (_name, bytes, code) => {
    expect(codeOf(() => queriesOf(bytes))).toBe(code);
  });

  test("whatever the bytes and the format, there are queries or a UserError", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.string({ maxLength: 60 })),
        fc.constantFrom(undefined, "txt", "csv", "tsv", "json", "jsonl") as fc.Arbitrary<
          QueryListFormat | undefined
        >,
        (list, format) => {
          try {
            const { queries } = parseQueryList(
              typeof list === "string" ? list : Buffer.from(list),
              "here",
              format,
            );
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
