import { type EvaluatedModel, textFeatures } from "./encodeFeatures.js";
import { type FeatureTable, featureRow, normalizeRows, similarities } from "./featureTable.js";

/** Prompts of one class from its name; `{}` in a template stands for the name, `{s}` for its plural. */
export function classPrompts(
  name: string,
  templates: readonly string[],
  plural: (name: string) => string = englishPlural,
): string[] {
  return templates.map((template) => template.replaceAll("{s}", plural(name)).replaceAll("{}", name));
}

/** Regular plurals alone: "red cross" → "red crosses". */
export function englishPlural(name: string): string {
  if (/(s|x|z|ch|sh)$/.test(name)) return `${name}es`;
  return /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`;
}

/** Templates for pictures of one thing. */
export const plainTemplates: readonly string[] = [
  "{}",
  "a {}",
  "a picture of a {}",
  "photo of a {}",
  "a small {}",
  "a large {}",
];

/** Templates for pictures of one or some things. */
export const countedTemplates: readonly string[] = [
  "a {}",
  "a picture of a {}",
  "photo of a {}",
  "a small {}",
  "a large {}",
  "two {s}",
  "two small {s}",
  "two large {s}",
  "three {s}",
  "a picture of three {s}",
];

/**
 * One feature for each class: its prompts' features, normalised, averaged, normalised again (CLIP paper, 3.1.4).
 *
 * @param prompts of each class, one at least
 */
export async function classFeatures(
  model: EvaluatedModel,
  prompts: readonly (readonly string[])[],
): Promise<FeatureTable> {
  const all = await textFeatures(model, prompts.flat());
  const { width } = all;
  const data = new Float32Array(prompts.length * width);
  let at = 0;
  prompts.forEach((own, label) => {
    const sum = data.subarray(label * width, (label + 1) * width);
    for (let i = 0; i < own.length; i++, at++) featureRow(all, at).forEach((value, j) => (sum[j]! += value));
  });
  return normalizeRows({ rows: prompts.length, width, data });
}

export interface ZeroShotResult {
  top1: number;
  top5: number;
  /** Mean over the classes that occur of each one's share of right answers. */
  meanPerClass: number;
  samples: number;
  /** counts[truth][answer]. */
  confusion: number[][];
  /** The answer for each picture. */
  answers: Int32Array;
}

/**
 * Each picture gets the class whose feature is nearest to its own.
 *
 * @param labels the true class of each picture
 */
export function zeroShot(
  pictures: FeatureTable,
  classes: FeatureTable,
  labels: ArrayLike<number>,
): ZeroShotResult {
  const confusion = Array.from({ length: classes.rows }, () => new Array<number>(classes.rows).fill(0));
  const answers = new Int32Array(pictures.rows);
  let right = 0;
  let near = 0;
  for (let row = 0; row < pictures.rows; row++) {
    const scores = similarities(featureRow(pictures, row), classes);
    const truth = labels[row]!;
    let answer = 0;
    let better = 0;
    for (let label = 0; label < scores.length; label++) {
      if (scores[label]! > scores[answer]!) answer = label;
      if (scores[label]! > scores[truth]!) better++;
    }
    answers[row] = answer;
    confusion[truth]![answer]!++;
    if (answer === truth) right++;
    if (better < 5) near++;
  }
  const shares = confusion.flatMap((counts, label) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return total === 0 ? [] : [counts[label]! / total];
  });
  const samples = pictures.rows;
  return {
    top1: samples === 0 ? 0 : right / samples,
    top5: samples === 0 ? 0 : near / samples,
    meanPerClass: shares.length === 0 ? 0 : shares.reduce((sum, share) => sum + share, 0) / shares.length,
    samples,
    confusion,
    answers,
  };
}
