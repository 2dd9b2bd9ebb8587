import { expect, test } from "vitest";
import { type LineSettings, tokenizeLines } from "../src/project/tokenizeLines.js";

const [start, end] = [49406, 49407];

async function tokenize(input: string | Buffer, settings: LineSettings) {
  let output = "";
  const warnings: string[] = [];
  const write = (text: string) => {
    output += text;
    return Promise.resolve();
  };
  const bytes = Buffer.from(input as string);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += 65536)
      yield await Promise.resolve(bytes.subarray(at, at + 65536));
  }
  const counts = await tokenizeLines(chunks(), settings, write, (line) => warnings.push(line));
  return { ...counts, warnings, lines: output.split("\n").slice(0, -1) };
}
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as object);

test("a line of input gives a line of JSON: empty ones, NUL bytes and odd separators too", async () => {
  const { failed, malformed, lines } = await tokenize("a red star\r\n\n a\0 \u2028a \n\ufeffa", {
    json: true,
  });
  expect([failed, malformed]).toEqual([0, 0]);
  expect(parsed(lines)).toEqual([
    { ids: [start, 320, 736, 1565, end] },
    { ids: [start, end] },
    { ids: [start, 320, 320, end] },
    { ids: [start, 320, end] },
  ]);
});

test("a line of more ids than the context length is an error where it stands, and the others are whole", async () => {
  const { failed, lines, warnings } = await tokenize("a a\na a a\na", { json: true, contextLength: 4 });
  expect(failed).toBe(1);
  expect(parsed(lines)[1]).toMatchObject({ line: 2, error: { code: "text_too_long" } });
  expect(parsed(lines)[2]).toEqual({ ids: [start, 320, end] });
  expect(warnings).toEqual([expect.stringContaining("line 2: 5 ids, the context length is 4")]);
});

test("longer lines are cut and shorter ones filled where asked to", async () => {
  const { failed, lines } = await tokenize("a a a\na", { contextLength: 4, truncate: true, pad: true });
  expect(failed).toBe(0);
  expect(lines).toEqual([`${start} 320 320 ${end}`, `${start} 320 ${end} 0`]);
});

test("bytes that are no UTF-8 are counted; a line of 20 MB is refused and the next one isn't", async () => {
  const input = Buffer.concat([
    Buffer.from([0x61, 0xff, 0x0a]),
    Buffer.alloc(20 << 20, "x"),
    Buffer.from("\na"),
  ]);
  const { failed, malformed, lines } = await tokenize(input, { json: true });
  expect([failed, malformed, lines.length]).toEqual([1, 1, 3]);
  expect(parsed(lines)[1]).toMatchObject({ line: 2, error: { code: "line_too_long" } });
  expect(parsed(lines)[2]).toEqual({ ids: [start, 320, end] });
});
