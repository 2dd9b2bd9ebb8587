import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldWords, QueryMatcher } from "../src/queryMatcher.js";

describe("QueryMatcher", () => {
  const matcher = new QueryMatcher([
    "cat",
    "Cat",
    "red kite",
    "kite",
    "a red kite in flight",
    "東京",
    "C++",
    "!!!",
    "café",
  ]);

  test.each([
    ["A Red-Kite!", ["red kite", "kite"]],
    ["a red kite in flight", ["a red kite in flight", "red kite", "kite"]],
    ["the category", []],
    ["CAT", ["cat", "Cat"]],
    ["cat, cat & cat", ["cat", "Cat"]],
    ["私は東京に行く", ["東京"]],
    ["ＣＡＴ", ["cat", "Cat"]],
    ["the cafe\u0301", ["café"]],
    ["", []],
    ["!!!", []],
  ])("%s", (text, queries) => {
    expect(matcher.match(text)).toEqual(queries);
  });

  test("finds exactly the queries whose words stand in a row in the text", () => {
    const words = fc
      .array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 })
      .map((w) => w.join(" "));
    fc.assert(
      fc.property(
        fc.array(words, { maxLength: 12 }),
        fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 12 }),
        (queries, text) => {
          const found = new QueryMatcher(queries).match(text.join(", ")).sort();
          const expected = [...new Set(queries)]
            .filter((query) => ` ${text.join(" ")} `.includes(` ${query} `))
            .sort();
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("200,000 queries: the time for a text doesn't grow with their number", () => {
    const word = (i: number) => `w${(i * 2654435761) % 99991}`;
    const many = Array.from({ length: 200_000 }, (_, i) => `${word(i)} ${word(i + 1)} x${i}`);
    const large = new QueryMatcher(many);
    const texts = Array.from(
      { length: 1_000 },
      (_, i) => `some words ${many[i * 7]!} and then more words about ${word(i)}`,
    );
    const started = performance.now();
    for (const [i, text] of texts.entries()) expect(large.match(text)).toContain(many[i * 7]);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  test("foldWords drops punctuation, case and width", () => {
    expect(foldWords("Ｒed-kite's 2nd flight…")).toEqual(["red", "kite", "s", "2nd", "flight"]);
  });
});
