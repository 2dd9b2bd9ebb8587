import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePythonJson } from "../src/pythonJson.js";

/** As Python's `json.dumps` writes a value: null stands for a constant by turns, which is null again when it is read. */
function pythonText(value: unknown): string {
  let turn = 0;
  const constants = ["NaN", "Infinity", "-Infinity", "null"];
  const write = (one: unknown): string => {
    if (one === null) return constants[turn++ % constants.length]!;
    if (Array.isArray(one)) return `[${one.map(write).join(", ")}]`;
    if (typeof one === "object")
      return `{${Object.entries(one)
        .map(([key, inner]) => `${JSON.stringify(key)}: ${write(inner)}`)
        .join(", ")}}`;
    return JSON.stringify(one);
  };
  return write(value);
}

describe("JSON as Python writes it", () => {
  test("is read as the same value, with null for what is no number", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("NaN", '"-Infinity\\', "\\", "[NaN]", '\\"'),
    );
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        text,
        fc.constant(null),
        fc.boolean(),
        fc.integer(),
        fc.array(tie("value"), { maxLength: 4 }),
        fc.dictionary(text, tie("value"), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.boolean(), (any, marked) => {
        const plain = JSON.parse(JSON.stringify(any)) as unknown;
        expect(parsePythonJson((marked ? "\ufeff" : "") + pythonText(any))).toEqual(plain);
      }),
    );
  });

  test.each([
    ['{"similarity": NaN}', { similarity: null }],
    ['{"a": [Infinity, -Infinity, -1.5e3]}', { a: [null, null, -1500] }],
    ['{"NaN": "Infinity, \\"NaN\\" \\\\", "b":NaN}', { NaN: 'Infinity, "NaN" \\', b: null }],
    ['\ufeff{"caption": "x"}', { caption: "x" }],
    [" NaN ", null],
  ])("%s", (text, value) => {
    expect(parsePythonJson(text)).toEqual(value);
  });

  test.each([
    "",
    "\ufeff",
    "{",
    "{'a': NaN}",
    '{"a": nan}',
    '{"a": NaNa}',
    '{"a": 1NaN}',
    '{"a": --Infinity}',
    '"NaN',
    "\ufeff\ufeff{}",
  ])("%j is neither", (text) => {
    expect(() => parsePythonJson(text)).toThrow(SyntaxError);
  });
});

test("whole numbers keep every digit where that is asked for", () => {
  const text =
    '{"a": 9007199254740993, "b": [-1234567890123456789], "c": 9007199254740991, "d": 12345678901234567890.5, "e": "1234567890123456789"}';
  expect(parsePythonJson(text, { integers: "bigint" })).toEqual({
    a: 9007199254740993n,
    b: [-1234567890123456789n],
    c: 9007199254740991,
    d: 12345678901234567890.5,
    e: "1234567890123456789",
  });
  expect(parsePythonJson('{"a": 9007199254740993}')).toEqual({ a: 9007199254740992 });
});

test("strings that look like the marks within stay strings, escaped or not", () => {
  const text = '{"a": 9007199254740993, "b": "#9007199254740993", "c": "\\u0023\\u00231"}';
  expect(parsePythonJson(text, { integers: "bigint" })).toEqual({
    a: 9007199254740993n,
    b: "#9007199254740993",
    c: "##1",
  });
});

test("a string of megabytes beside a NaN is taken", () => {
  const long = `\\"${"x".repeat(4 << 20)}\\n`;
  expect(parsePythonJson(`{"a": "${long}", "b": NaN}`)).toEqual({ a: `"${"x".repeat(4 << 20)}\n`, b: null });
});

test.each(["[01234567890123456789]", "[1234567890123456789 NaN]", "[1234567890123456789NaN]"])(
  "%j is no JSON with exact whole numbers either",
  (text) => {
    expect(() => parsePythonJson(text, { integers: "bigint" })).toThrow(SyntaxError);
  },
);

test("a string of a million escapes beside a NaN is taken", () => {
  const text = `{"a": "${"\\n".repeat(1_000_000)}", "b": NaN, "c": 9007199254740993}`;
  expect(parsePythonJson(text, { integers: "bigint" })).toEqual({
    a: "\n".repeat(1_000_000),
    b: null,
    c: 9007199254740993n,
  });
});
