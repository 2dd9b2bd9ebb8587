import fc from "fast-check";
import { expect, test } from "vitest";
import { textLines, type TextLine } from "../src/project/textLines.js";

async function linesOf(bytes: Buffer, chunkBytes: number, maxBytes = 1000): Promise<TextLine[]> {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      yield await Promise.resolve(bytes.subarray(at, at + chunkBytes));
  }
  const lines: TextLine[] = [];
  for await (const some of textLines(chunks(), maxBytes)) lines.push(...some);
  return lines;
}

test("lines are the same however the bytes come", async () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "é", "😀", "\n", "\r\n", "\u2028", "\0", " "),
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 20 }), async (whole, chunkBytes) => {
      const lines = await linesOf(Buffer.from(whole), chunkBytes);
      const expected = whole.split("\n").map((line) => line.replace(/\r$/, ""));
      if (whole === "" || whole.endsWith("\n")) expected.pop();
      expect(lines.map(({ text }) => text)).toEqual(expected);
      expect(lines.map(({ number }) => number)).toEqual(expected.map((_, i) => i + 1));
      expect(lines.every(({ wellFormed }) => wellFormed)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("a line that is too long is none, and those around it are whole", async () => {
  const bytes = Buffer.from(`before\n${"x".repeat(5000)}\nafter`);
  for (const chunkBytes of [7, 300]) {
    const lines = await linesOf(bytes, chunkBytes, 1000);
    expect(lines.map(({ number, text }) => [number, text])).toEqual([
      [1, "before"],
      [2, null],
      [3, "after"],
    ]);
  }
});

test("bytes that are no UTF-8 are told by line", async () => {
  const bytes = Buffer.concat([
    Buffer.from("good é\nbad "),
    Buffer.from([0xff, 0xc3]),
    Buffer.from("\ngood\n"),
  ]);
  for (const chunkBytes of [1, 100]) {
    const lines = await linesOf(bytes, chunkBytes);
    expect(lines.map(({ text, wellFormed }) => [text, wellFormed])).toEqual([
      ["good é", true],
      ["bad \ufffd\ufffd", false],
      ["good", true],
    ]);
  }
});
