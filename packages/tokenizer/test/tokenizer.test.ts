import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BytePairs } from "../src/bytePairs.js";
import { cleanText, createTokenizer, fixText } from "../src/index.js";

const tokenizer = createTokenizer();
const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8");

interface ReferenceLine {
  category: string;
  text: string;
  clean: string;
  ids: number[];
}

const lines = fixture("tokenizer_reference.jsonl")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as ReferenceLine);

describe("open_clip's tokenizer", () => {
  test("cleans all 2,000 reference lines alike", () => {
    expect(lines.length).toBe(2000);
    const wrong = lines
      .map(({ category, text, clean }) => ({ category, text, clean, ours: cleanText(text) }))
      .filter(({ clean, ours }) => clean !== ours);
    expect(wrong).toEqual([]);
  });

  test("gives equal ids on all 2,000 reference lines", () => {
    const wrong = lines.filter(({ text, ids }) => {
      const row = tokenizer.tokenize([text]);
      return !row.every((id, place) => id === (ids[place] ?? 0));
    });
    expect(wrong).toEqual([]);
  });
});

describe("ftfy's own cases", () => {
  const cases = JSON.parse(fixture("ftfy_test_cases.json")) as {
    label: string;
    original: string;
    fixed: string;
    expect: "pass" | "fail";
    "fixed-encoding"?: string;
  }[];

  test.each(cases.filter((entry) => entry.expect === "pass"))("$label", ({ original, fixed }) => {
    expect(fixText(original)).toBe(fixed);
    // what has been fixed stays
    expect(fixText(fixed)).toBe(fixed);
  });
});

describe("cases that ftfy marks as failing", () => {
  const outputs = JSON.parse(fixture("ftfy_failing_outputs.json")) as {
    label: string;
    original: string;
    output: string;
  }[];

  test("are all ten there", () => expect(outputs.length).toBe(10));

  test.each(outputs)("come out as ftfy leaves them: $label", ({ original, output }) => {
    expect(fixText(original)).toBe(output);
  });
});

describe("cleaning", () => {
  test("the short way for plain ASCII is the long one", () => {
    const text = fc.string({ unit: fc.constantFrom(..."aBz09 .,'<;~  "), maxLength: 40 });
    fc.assert(
      // an ampersand in front takes the long way, and is no reference where a space follows
      fc.property(text, (plain) => {
        expect(cleanText(`& x${plain}`)).toBe(`& ${cleanText(`x${plain}`)}`);
      }),
      { numRuns: 500 },
    );
    expect(cleanText("  A  red\t\nSTAR ")).toBe("a red star");
  });

  test("what no text should have does no harm: NUL, lone surrogates, nothing at all", () => {
    expect(cleanText("a\0b")).toBe("ab");
    expect(cleanText("a\ud800b\udc00")).toBe("a\ufffdb\ufffd");
    expect(tokenizer.encode("")).toEqual([]);
    expect(tokenizer.encode(" \n\t ")).toEqual([]);
  });
});

describe("the context length", () => {
  const long = "a ".repeat(100);

  test("cuts a long text and ends it, as open_clip", () => {
    const row = tokenizer.tokenize([long], 16);
    expect(row.length).toBe(16);
    expect([row[0], row[14], row[15]]).toEqual([tokenizer.startOfText, 320, tokenizer.endOfText]);
  });

  test("refuses a long text where asked to, as OpenAI", () => {
    expect(() => tokenizer.tokenize([long], 16, { truncate: false })).toThrow("102 tokens");
    expect(tokenizer.tokenize(["a ".repeat(14)], 16, { truncate: false })[15]).toBe(tokenizer.endOfText);
  });

  test("pads with zeros, row after row", () => {
    const table = tokenizer.tokenize(["a", "", "a a"], 5);
    const [s, e] = [tokenizer.startOfText, tokenizer.endOfText];
    expect([...table]).toEqual([s, 320, e, 0, 0, s, e, 0, 0, 0, s, 320, 320, e, 0]);
  });
});

describe("round trips", () => {
  test("ids of any text come back from the text they decode to", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 80 }), (text) => {
        const clean = cleanText(text);
        const decoded = tokenizer.decode(tokenizer.encode(text));
        expect(decoded.replaceAll(" ", "")).toBe(clean.replaceAll(" ", ""));
      }),
      { numRuns: 300 },
    );
  });

  test("any text takes ids of the vocabulary, however odd", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(tokenizer.encode(text).every((id) => id >= 0 && id < tokenizer.vocabularySize)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("short and long words are cut up alike by their two algorithms", () => {
    const [short, long] = [new BytePairs(Infinity), new BytePairs(0)];
    const word = fc.oneof(
      fc.string({ unit: fc.constantFrom(..."abcdeorst"), minLength: 1, maxLength: 60 }),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }),
    );
    fc.assert(
      fc.property(word, (text) => {
        expect(long.encodeWord(text)).toEqual(short.encodeWord(text));
      }),
      { numRuns: 500 },
    );
  });

  test("a word of 200,000 letters takes no more than moments", () => {
    const started = performance.now();
    expect(tokenizer.decode(tokenizer.encode("xyzzy".repeat(40_000))).length).toBe(200_001);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test("decode refuses what is no id", () => {
    expect(() => tokenizer.decode([49408])).toThrow("49407");
  });
});
