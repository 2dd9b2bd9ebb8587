import { RandomNumbers } from "@pairloom/clip/images";
import { shuffle } from "./shuffle.js";

/**
 * The batches of one epoch: sample numbers in an order that depends on seed and epoch alone, whole batches only.
 *
 * @param captions numbers that are equal where captions are; given, such samples are kept apart as far as the data allow
 */
export function batchPlan(
  samples: number,
  batchSize: number,
  seed: number,
  epoch: number,
  captions: Int32Array | null = null,
): Int32Array[] {
  const order = Int32Array.from({ length: samples }, (_, i) => i);
  shuffle<number>(order, new RandomNumbers(seed, `order of epoch ${epoch}`));
  const batches = Math.floor(samples / batchSize);
  if (captions === null) {
    return Array.from({ length: batches }, (_, b) => order.slice(b * batchSize, (b + 1) * batchSize));
  }
  return keepApart(order, batchSize, batches, captions);
}

/**
 * Batches of the samples in `order`, equal captions apart as far as they can be. First fit: a sample goes to the first
 * open batch without its caption; what fits nowhere fills the gaps at the end.
 */
export function keepApart(
  order: Int32Array,
  batchSize: number,
  batches: number,
  captions: Int32Array,
): Int32Array[] {
  const plan = Array.from({ length: batches }, () => new Int32Array(batchSize));
  const filled = new Int32Array(batches);
  /** The batch after the last that took a caption. */
  const next = new Map<number, number>();
  const left: number[] = [];
  let open = 0;
  for (const sample of order) {
    while (open < batches && filled[open] === batchSize) open++;
    const caption = captions[sample] as number;
    let batch = Math.max(open, next.get(caption) ?? 0);
    while (batch < batches && filled[batch] === batchSize) batch++;
    if (batch >= batches) {
      left.push(sample);
      continue;
    }
    (plan[batch] as Int32Array)[filled[batch]!++] = sample;
    next.set(caption, batch + 1);
  }
  for (const sample of left) {
    while (open < batches && filled[open] === batchSize) open++;
    if (open >= batches) break;
    (plan[open] as Int32Array)[filled[open]!++] = sample;
  }
  return plan;
}
