import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonText } from "../src/index.js";

test("bigints have all their digits and -0 its sign, on one line and indented", () => {
  const value = { a: [9007199254740993n, -0, null], b: { c: -1n, d: [], e: {} }, f: undefined, "g\n": "h" };
  expect(jsonText(value)).toBe('{"a":[9007199254740993,-0.0,null],"b":{"c":-1,"d":[],"e":{}},"g\\n":"h"}');
  expect(jsonText({ a: [1n, {}] }, 4)).toBe('{\n    "a": [\n        1,\n        {}\n    ]\n}');
});

test("everything else is written as JSON.stringify writes it, beside a bigint too", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2, 4), (raw, indent) => {
      const value = JSON.parse(JSON.stringify(raw)) as unknown;
      expect(jsonText(value, indent)).toBe(JSON.stringify(value, null, indent));
      const marked = JSON.stringify([7, value], null, indent);
      expect(jsonText([7n, value], indent)).toBe(marked);
    }),
  );
});
