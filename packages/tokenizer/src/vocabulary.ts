import { byteLetters } from "./byteLetters.js";
import { readMerges } from "./bytePairs.js";

/** CLIP's vocabulary as other programs' files spell it. */
export interface Vocabulary {
  /** Token of each id; `</w>` marks the end of a word; start and end of text by the names they are given. */
  readonly tokens: readonly string[];
  /** Pairs that become one token, first ranked first. */
  readonly merges: readonly (readonly [string, string])[];
}

/** CLIP's tokens and merges, read from the package's file. */
export function readVocabulary(names = { start: "<|startoftext|>", end: "<|endoftext|>" }): Vocabulary {
  const letters = byteLetters().map(({ letter }) => letter);
  const merges = readMerges();
  const tokens = [
    ...letters,
    ...letters.map((letter) => `${letter}</w>`),
    ...merges.map(([first, second]) => first + second),
    names.start,
    names.end,
  ];
  return { tokens, merges };
}
