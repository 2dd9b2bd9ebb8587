import { createTokenizer } from "@pairloom/tokenizer";
import { expect, test } from "vitest";
import { captionNumbers } from "../src/data/captionNumbers.js";
import { reportCaptions } from "../src/data/captionReport.js";
import { countFalseNegatives } from "../src/data/falseNegatives.js";

test("false negatives are pairs of equal caption, whatever the case, or of one picture; each counts once", () => {
  expect(countFalseNegatives(["1", "2", "3"], ["a cat", "a dog", "a cow"])).toBe(0);
  expect(countFalseNegatives(["1", "2", "3"], ["a cat", "A Cat", "a cow"])).toBe(1);
  expect(countFalseNegatives(["1", "2", "3", "4"], ["a cat", "a cat", "a CAT", "a cow"])).toBe(3);
  expect(countFalseNegatives(["1", "1", "2"], ["a cat", "a pet", "a cow"])).toBe(1);
  expect(countFalseNegatives(["1", "1", "2"], ["a cat", "a cat", "a cat"])).toBe(3);
});

test("a report counts captions that another equals, and those the context can't hold", () => {
  const captions = ["a cat", "A cat ", "one two three four five", "a cow"];
  // "one two three four five" takes 5 tokens, start and end two more
  expect(reportCaptions(captions, 7, createTokenizer())).toEqual({ sampled: 4, repeated: 0.5, truncated: 0 });
  expect(reportCaptions(captions, 6, createTokenizer()).truncated).toBe(0.25);
  expect(reportCaptions([], 6, createTokenizer())).toEqual({ sampled: 0, repeated: 0, truncated: 0 });
});

test("equal captions have equal numbers", () => {
  expect([...captionNumbers(["a", "b", "A", "c", "b"])]).toEqual([0, 1, 0, 2, 1]);
});
