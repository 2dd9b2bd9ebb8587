import { describe, expect, test } from "vitest";
import { barLine } from "../src/lists/barLine.js";
import { sha } from "./rows.js";

const [a, b] = [sha("a"), sha("b")];
const read = (line: string) =>
  barLine(line, { minQuality: 49, canonicalUrl: (url) => url.replace(/\?utm=.*/, "") });
const both = (value: string) => [
  { kind: "sha256", value },
  { kind: "pdq", value },
];

describe("a line of a list", () => {
  test.each([
    ["", []],
    ["  # taken down on request", []],
    [a, both(a)],
    [`${a.toUpperCase()}  pictures/1.jpg`, both(a)],
    [`${a} 87 ${b} 1.jpg`, [...both(a), ...both(b)]],
    [`"${a}",100`, both(a)],
    [`sha256:${a}`, [{ kind: "sha256", value: a }]],
    [`PDQ: ${a}`, [{ kind: "pdq", value: a }]],
    ["bad.example", [{ kind: "domain", value: "bad.example" }]],
    ["*.Bad.Example.", [{ kind: "domain", value: "bad.example" }]],
    ["domain:localhost", [{ kind: "domain", value: "localhost" }]],
    ["domain:bücher.example", [{ kind: "domain", value: "xn--bcher-kva.example" }]],
    ["url:https://a.example/x?utm=1", [{ kind: "url", value: "https://a.example/x?utm=1" }, { kind: "url", value: "https://a.example/x" }]], // prettier-ignore
    [`{"sha256":"${a}","pdq":"${b}","quality":100,"path":"1.jpg"}`, [both(a)[0], both(b)[1]]],
    [`{"sha256":"${a}","pdq":"${b}","quality":49}`, [both(a)[0]]],
    [`[{"pdq":null,"sha256":"${a}","error":"decode_failed"},{"domain":"x.example"}]`, [both(a)[0], { kind: "domain", value: "x.example" }]], // prettier-ignore
  ] as [string, object[]][])("%s", (line, entries) => {
    expect(read(line)).toEqual(entries);
  });

  test.each([
    "nonsense",
    "two words",
    a.slice(1),
    `sha256:${a}0`,
    "domain:a/b",
    "domain:user@host",
    "url:ftp://a.example/",
    "{",
    "{}",
    "[1]",
    '{"hash":"x"}',
    '{"pdq":7}',
    '{"pdq":"7"}',
  ])("%s is refused", (line) => {
    expect(read(line)).toHaveProperty("error");
  });
});
