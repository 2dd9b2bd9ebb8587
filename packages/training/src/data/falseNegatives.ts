import { foldCaption } from "./captionNumbers.js";

/**
 * How many pairs {i, j} of a batch the contrastive loss drives apart though they belong together: rows of equal caption
 * (whatever its case), or of one picture. Each counts once.
 */
export function countFalseNegatives(keys: readonly string[], captions: readonly string[]): number {
  const folded = captions.map(foldCaption);
  const both = keys.map((key, i) => `${key}\n${folded[i]}`);
  return equalPairs(folded) + equalPairs(keys) - equalPairs(both);
}

function equalPairs(values: readonly string[]): number {
  const seen = new Map<string, number>();
  let pairs = 0;
  for (const value of values) {
    const before = seen.get(value) ?? 0;
    pairs += before;
    seen.set(value, before + 1);
  }
  return pairs;
}
