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
