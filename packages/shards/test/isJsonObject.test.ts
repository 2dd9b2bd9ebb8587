import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject } from "../src/reader/isJsonObject.js";

/** Judges the text in the middle of other bytes, as a record lies in its shard. */
function judged(text: string | Uint8Array): boolean {
  const bytes = typeof text === "string" ? Buffer.from(text) : Buffer.from(text);
  const around = Buffer.concat([Buffer.from('"{['), bytes, Buffer.from('}"]1')]);
  return isJsonObject(around, 3, 3 + bytes.length);
}

/** What `JSON.parse` says of the bytes, which must be UTF-8. */
function parsesToObject(bytes: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    );
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

describe("the judge of records", () => {
  it("takes every object that JSON.stringify writes, plain or indented", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 5 })),
        fc.constantFrom(undefined, 2, "\t"),
        (object, indent) => {
          expect(judged(JSON.stringify(object, null, indent))).toBe(true);
        },
      ),
    );
  });

  it("never takes what JSON.parse refuses or finds to be no object, whatever was changed in a record", () => {
    const piece = fc.constantFrom(
      ...[
        '"',
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "0",
        "-",
        ".",
        "e",
        "1",
        "null",
        "true",
        "fals",
        "\\u12",
        " ",
      ],
      ...["\n", "\u0001", "\u2028", "é"],
    );
    const value = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
    let taken = 0;
    fc.assert(
      fc.property(
        value,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), piece), { maxLength: 3 }),
        (object, edits) => {
          let text = JSON.stringify(object);
          for (const [where, removed, put] of edits) {
            const at = where % (text.length + 1);
            text = text.slice(0, at) + put + text.slice(at + removed);
          }
          const bytes = Buffer.from(text);
          const verdict = judged(bytes);
          expect(verdict, text).toBe(parsesToObject(bytes));
          if (verdict) taken++;
        },
      ),
      { numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it("never takes bytes that are not UTF-8, cut, or flipped anywhere", () => {
    const record = Buffer.from('{"a": ["é\\u00e9\\n", -1.5e+3, {"b": null}], "c": true, "日本": "𝄞"}');
    expect(judged(record)).toBe(true);
    for (let at = 0; at < record.length; at++) {
      expect(judged(record.subarray(0, at)), `cut at ${at}`).toBe(false);
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(record);
        flipped[at] = (flipped[at] as number) ^ (1 << bit);
        expect(judged(flipped), `bit ${bit} of byte ${at}`).toBe(parsesToObject(flipped));
      }
    }
  });

  it.each([
    ...[
      "",
      " ",
      "null",
      "1",
      '"x"',
      "[]",
      "[{}]",
      "{}{}",
      "{},",
      "{]",
      "[}",
      '{"a"}',
      '{"a":}',
      '{"a":1,}',
      "{,}",
    ],
    ...[
      '{"a":[1,]}',
      '{"a":[,1]}',
      '{"a":01}',
      '{"a":1.}',
      '{"a":.5}',
      '{"a":-}',
      '{"a":+1}',
      '{"a":1e}',
      "{'a':1}",
    ],
    ...[
      '{"a":nul}',
      '{"a":nulll}',
      '{"a":"\t"}',
      '{"a":"\\x"}',
      '{"a":"\\u12g4"}',
      "{a:1}",
      "\ufeff{}",
      "{}\u00a0",
    ],
    ...[
      '{"a" "b"}',
      '{"a":1 "b":2}',
      '{"a":"b":"c"}',
      "{1:2}",
      '{"a":[1 2]}',
      '{"a":{}',
      '{"a":tru}',
      "\u000b{}",
    ],
  ])("doesn't take %j", (text) => {
    expect(parsesToObject(Buffer.from(text))).toBe(false);
    expect(judged(text)).toBe(false);
  });

  it("leaves what is nested deeper than it can tell to JSON.parse", () => {
    const nested = (depth: number) => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(judged(nested(29))).toBe(true);
    expect(judged(nested(30))).toBe(false);
  });
});
