import { type FeatureTable, featureRow, similarities } from "./featureTable.js";

export interface Recall {
  /** Share of queries with a right answer among the first k, by k. */
  [k: number]: number;
}

export interface RetrievalResult {
  pairs: number;
  /** Pairs whose caption occurs more than once. */
  repeatedCaptions: number;
  /** Right is a picture of an equal caption (or the caption of an equal one): no text tells them apart. */
  textToImage: Recall;
  imageToText: Recall;
  /** Right is the pair's own partner alone, as the benchmarks count. Ties count against it. */
  strict: { textToImage: Recall; imageToText: Recall };
}

/**
 * Recall both ways over N pairs: picture i belongs to text i.
 *
 * @param captions equal ones (whatever their case) are one caption
 */
export function retrieval(
  pictures: FeatureTable,
  texts: FeatureTable,
  captions: readonly string[],
  ks: readonly number[] = [1, 5, 10],
): RetrievalResult {
  const group = captionGroups(captions);
  const sizes = new Map<number, number>();
  for (const number of group) sizes.set(number, (sizes.get(number) ?? 0) + 1);
  const alone = Int32Array.from(group, (_, i) => i);
  const recall = (queries: FeatureTable, answers: FeatureTable, groups: Int32Array): Recall => {
    const hits = ks.map(() => 0);
    const scores = new Float32Array(answers.rows);
    for (let row = 0; row < queries.rows; row++) {
      similarities(featureRow(queries, row), answers, scores);
      const rank = rankOf(scores, groups, groups[row]!);
      ks.forEach((k, i) => (hits[i]! += rank < k ? 1 : 0));
    }
    return Object.fromEntries(ks.map((k, i) => [k, queries.rows === 0 ? 0 : hits[i]! / queries.rows]));
  };
  return {
    pairs: captions.length,
    repeatedCaptions: group.filter((number) => sizes.get(number)! > 1).length,
    textToImage: recall(texts, pictures, group),
    imageToText: recall(pictures, texts, group),
    strict: { textToImage: recall(texts, pictures, alone), imageToText: recall(pictures, texts, alone) },
  };
}

/** How many answers of other groups score at least as high as the best of the right group. */
function rankOf(scores: Float32Array, groups: Int32Array, right: number): number {
  let best = -Infinity;
  for (let i = 0; i < scores.length; i++) if (groups[i] === right && scores[i]! > best) best = scores[i]!;
  let rank = 0;
  for (let i = 0; i < scores.length; i++) if (groups[i] !== right && scores[i]! >= best) rank++;
  return rank;
}

function captionGroups(captions: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(captions, (caption) => {
    const text = caption.trim().toLowerCase();
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  });
}
