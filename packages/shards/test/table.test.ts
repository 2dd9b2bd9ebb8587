import fc from "fast-check";
import { parquetReadObjects } from "hyparquet";
import { describe, expect, it } from "vitest";
import { column, decodeTable, encodeTable, TableDamagedError, tableMetadata } from "../src/index.js";

interface Row {
  text: string;
  maybe: string | null;
  count: number;
  large: number | null;
  yes: boolean;
  any: unknown;
}

const col = column<Row>;
const columns = [
  col("text", "string"),
  col("maybe", "string?"),
  col("count", "int"),
  col("large", "long?", "big"),
  col("yes", "boolean"),
  col("any", "json"),
];

const rowArbitrary: fc.Arbitrary<Row> = fc.record({
  text: fc.string({ unit: "grapheme" }),
  maybe: fc.option(fc.string({ unit: "grapheme" })),
  count: fc.integer(),
  large: fc.option(fc.maxSafeInteger()),
  yes: fc.boolean(),
  any: fc.array(fc.record({ kind: fc.constant("alt"), text: fc.string({ unit: "binary" }) }), {
    maxLength: 3,
  }),
});

describe("a table", () => {
  it("gives back any rows and its metadata, and equal rows give equal bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rowArbitrary, { maxLength: 40 }), async (rows) => {
        const bytes = encodeTable(columns, rows, { note: "é\n𝄞" });
        expect(await decodeTable(columns, bytes)).toEqual({ rows, metadata: { note: "é\n𝄞" } });
        expect(encodeTable(columns, structuredClone(rows), { note: "é\n𝄞" }).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it("can be read by columns, and by any reader of parquet", async () => {
    const rows: Row[] = [{ text: "a", maybe: null, count: 1, large: 2 ** 40, yes: true, any: [1] }];
    const bytes = encodeTable(columns, rows);
    expect((await decodeTable([columns[2] as (typeof columns)[0]], bytes)).rows).toEqual([{ count: 1 }]);
    expect(await parquetReadObjects({ file: new Uint8Array(bytes).buffer })).toEqual([
      { text: "a", maybe: null, count: 1, big: 2n ** 40n, yes: true, any: "[1]" },
    ]);
  });

  it("writes a lone surrogate as U+FFFD", async () => {
    const row: Row = {
      text: "a\ud800b",
      maybe: "\udc00",
      count: 0,
      large: null,
      yes: false,
      any: null,
    };
    const { rows } = await decodeTable(columns, encodeTable(columns, [{ ...row, any: 0 }]));
    expect(rows).toEqual([{ ...row, text: "a\ufffdb", maybe: "\ufffd", any: 0 }]);
  });

  it("doesn't take values that don't fit their column", () => {
    const row: Row = { text: "a", maybe: null, count: 1, large: null, yes: true, any: 0 };
    for (const wrong of [
      { text: null },
      { count: 2 ** 31 },
      { count: 0.5 },
      { large: 2 ** 60 },
      { yes: 1 },
    ]) {
      expect(() => encodeTable(columns, [{ ...row, ...(wrong as Partial<Row>) }])).toThrow(TypeError);
    }
  });

  it("with any bit flipped, cut off anywhere, or of other bytes is a TableDamagedError at once", async () => {
    const whole = encodeTable(
      columns,
      Array.from({ length: 30 }, (_, i): Row => ({
        text: `text ${i % 3}`,
        maybe: i % 2 ? `${i}` : null,
        count: i,
        large: null,
        yes: i > 9,
        any: [{ kind: "alt", text: `a picture of ${i}` }],
      })),
    );
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      expect(() => tableMetadata(damaged), `byte ${at}`).toThrow(TableDamagedError);
      expect(() => tableMetadata(whole.subarray(0, at)), `cut at ${at}`).toThrow(TableDamagedError);
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        await expect(decodeTable(columns, bytes)).rejects.toThrow(TableDamagedError);
        await expect(decodeTable(columns, Buffer.concat([bytes, Buffer.from("PAR1")]))).rejects.toThrow(
          TableDamagedError,
        );
      }),
      { numRuns: 50 },
    );
  });

  it("without a needed column is a TableDamagedError", async () => {
    const bytes = encodeTable(columns.slice(1), []);
    const other = encodeTable(columns.slice(1), [
      { text: "", maybe: null, count: 1, large: null, yes: true, any: 0 },
    ]);
    await expect(decodeTable(columns, other)).rejects.toThrow(TableDamagedError);
    expect((await decodeTable(columns.slice(1), bytes)).rows).toEqual([]);
  });
});
