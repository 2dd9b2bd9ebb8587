import { AnswerCounter, type Classification } from "./classify.js";
import { type EvaluatedModel, textFeatures } from "./encodeFeatures.js";
import { type FeatureTable, featureRow, normalizeRows } from "./featureTable.js";
import { scoreBlocks } from "./scoreBlocks.js";

/**
 * One feature for each class: its prompts' features, normalised, averaged, normalised again (CLIP paper, 3.1.4).
 *
 * @param prompts of each class, one at least
 * @param options.progress called with the number of classes that are done
 */
export async function classFeatures(
  model: EvaluatedModel,
  prompts: readonly (readonly string[])[],
  { batchSize = 64, progress }: { batchSize?: number; progress?: (done: number) => void } = {},
): Promise<FeatureTable> {
  const width = model.config.embed_dim;
  const data = new Float32Array(prompts.length * width);
  for (let first = 0; first < prompts.length;) {
    // some batches full of classes: not all prompts are in memory at once
    let end = first;
    let count = 0;
    while (end < prompts.length && (end === first || count + prompts[end]!.length <= 8 * batchSize))
      count += prompts[end++]!.length;
    const all = await textFeatures(model, prompts.slice(first, end).flat(), batchSize);
    let at = 0;
    for (let label = first; label < end; label++) {
      const sum = data.subarray(label * width, (label + 1) * width);
      for (const _ of prompts[label]!) featureRow(all, at++).forEach((value, j) => (sum[j]! += value));
    }
    first = end;
    progress?.(end);
  }
  return normalizeRows({ rows: prompts.length, width, data });
}

/**
 * Each picture gets the class whose feature is nearest to its own.
 *
 * @param labels the true class of each picture
 */
export async function zeroShot(
  pictures: FeatureTable,
  classes: FeatureTable,
  labels: ArrayLike<number>,
): Promise<Classification> {
  const counter = new AnswerCounter(labels, classes.rows);
  for await (const { first, rows } of scoreBlocks(pictures, classes))
    rows.forEach((scores, i) => counter.add(first + i, scores));
  return counter.result();
}
