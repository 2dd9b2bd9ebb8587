import fc from "fast-check";
import { expect, test } from "vitest";
import { parsePythonJson } from "../src/pythonJson.js";

test("NaN and both infinities are null, wherever a value stands, and never within a string", () => {
  expect(
    parsePythonJson('{"a": NaN, "b": [Infinity, -Infinity,NaN], "c": "NaN, \\"Infinity\\"", "NaN": 1}'),
  ).toEqual({ a: null, b: [null, null, null], c: 'NaN, "Infinity"', NaN: 1 });
  expect(parsePythonJson("NaN")).toBeNull();
});

test("a byte order mark is passed over", () => {
  expect(parsePythonJson('\ufeff{"a": 1}')).toEqual({ a: 1 });
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

test.each(["", "{", "{'a': 1}", "nan", "[NaN", "[--Infinity]", "[NaNa]", "[01234567890123456789]", "[1 2]"])(
  "%j is no JSON here either",
  (text) => {
    expect(() => parsePythonJson(text, { integers: "bigint" })).toThrow(SyntaxError);
  },
);

test("what JSON.parse takes comes out the same", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parsePythonJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("a string of megabytes beside a NaN is taken", () => {
  const long = `\\"${"x".repeat(4 << 20)}\\n`;
  expect(parsePythonJson(`{"a": "${long}", "b": NaN}`)).toEqual({ a: `"${"x".repeat(4 << 20)}\n`, b: null });
});
