import type { FeatureTable } from "./featureTable.js";
import { scoreBlocks } from "./scoreBlocks.js";

export interface Recall {
  /** Share of queries with a right answer among the first k, by k. */
  [k: number]: number;
}

export interface RetrievalResult {
  /** Pictures, and texts: one of each in a pair, or several texts to a picture. */
  pictures: number;
  texts: number;
  /** Texts that occur more than once. */
  repeatedCaptions: number;
  /** Right is a picture that has an equal caption (or a caption equal to one of the picture's): no text tells them apart. */
  textToImage: Recall;
  imageToText: Recall;
  /** Right is the text's own picture, or one of the picture's own texts, as the benchmarks count. Ties count against it. */
  strict: { textToImage: Recall; imageToText: Recall };
}

/**
 * Recall both ways: the share of texts whose picture is among the first k, and of pictures of whose texts one at least is
 * (CLIP_benchmark's rule). A picture without a text is never found right.
 *
 * @param captions equal ones (whatever their case) are one caption
 * @param pictureOf the picture of each text; by default text i belongs to picture i
 */
export async function retrieval(
  pictures: FeatureTable,
  texts: FeatureTable,
  captions: readonly string[],
  ks: readonly number[] = [1, 5, 10],
  pictureOf: ArrayLike<number> = Int32Array.from(captions, (_, i) => i),
): Promise<RetrievalResult> {
  const groups = captionGroups(captions);
  const textsOfGroup = listsBy(groups);
  const owners = Array.from(pictureOf);
  const ownTexts = listsBy(owners);
  const picturesOfGroup = textsOfGroup.map((list) => [...new Set(list.map((text) => owners[text]!))]);
  const equalTexts = (picture: number) => {
    const own = new Set((ownTexts[picture] ?? []).map((text) => groups[text]!));
    return [...own].flatMap((group) => textsOfGroup[group]!);
  };
  const byText = await recalls(texts, pictures, ks, [
    (text) => [owners[text]!],
    (text) => picturesOfGroup[groups[text]!]!,
  ]);
  const byPicture = await recalls(pictures, texts, ks, [(picture) => ownTexts[picture] ?? [], equalTexts]);
  return {
    pictures: pictures.rows,
    texts: texts.rows,
    repeatedCaptions: groups.filter((group) => textsOfGroup[group]!.length > 1).length,
    textToImage: byText[1]!,
    imageToText: byPicture[1]!,
    strict: { textToImage: byText[0]!, imageToText: byPicture[0]! },
  };
}

/** Recall by each rule of which answers are right. */
async function recalls(
  queries: FeatureTable,
  answers: FeatureTable,
  ks: readonly number[],
  rules: readonly ((query: number) => readonly number[])[],
): Promise<Recall[]> {
  const hits = rules.map(() => ks.map(() => 0));
  for await (const { first, rows } of scoreBlocks(queries, answers))
    rows.forEach((scores, i) =>
      rules.forEach((rightOf, rule) => {
        const rank = rankOf(scores, rightOf(first + i));
        ks.forEach((k, at) => (hits[rule]![at]! += rank < k ? 1 : 0));
      }),
    );
  return hits.map((counts) =>
    Object.fromEntries(ks.map((k, at) => [k, queries.rows === 0 ? 0 : counts[at]! / queries.rows])),
  );
}

/** How many wrong answers score at least as high as the best right one. What is no number counts against it. */
function rankOf(scores: Float32Array, right: readonly number[]): number {
  const best = right.reduce((most, answer) => Math.max(most, scores[answer]!), -Infinity);
  if (!(best > -Infinity)) return Infinity;
  let rank = 0;
  for (const score of scores) if (!(score < best)) rank++;
  for (const answer of right) if (!(scores[answer]! < best)) rank--;
  return rank;
}

/** For each value the places that hold it. */
function listsBy(values: ArrayLike<number>): number[][] {
  const lists: number[][] = [];
  for (let i = 0; i < values.length; i++) (lists[values[i]!] ??= []).push(i);
  return lists;
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
