import * as tf from "@tensorflow/tfjs";
import type { FeatureTable } from "./featureTable.js";

/** Scores of some queries with every answer. */
export interface ScoreBlock {
  /** Number of the first query. */
  first: number;
  /** One row a query: [answers], valid until the next block. */
  rows: Float32Array[];
}

/** Numbers in a block: 16 MB. */
const blockNumbers = 1 << 22;

/** Inner products of every query with every answer, on the engine, so many queries at a time that memory stays small. */
export async function* scoreBlocks(queries: FeatureTable, answers: FeatureTable): AsyncGenerator<ScoreBlock> {
  if (queries.rows === 0 || answers.rows === 0) return;
  const atOnce = Math.max(1, Math.min(queries.rows, Math.floor(blockNumbers / answers.rows)));
  const table = tf.tensor2d(answers.data, [answers.rows, answers.width]);
  try {
    for (let first = 0; first < queries.rows; first += atOnce) {
      const count = Math.min(atOnce, queries.rows - first);
      const scores = tf.tidy(() => {
        const part = queries.data.subarray(first * queries.width, (first + count) * queries.width);
        return tf.matMul(tf.tensor2d(part, [count, queries.width]), table, false, true);
      });
      const data = (await scores.data()) as Float32Array;
      scores.dispose();
      const row = (i: number) => data.subarray(i * answers.rows, (i + 1) * answers.rows);
      yield { first, rows: Array.from({ length: count }, (_, i) => row(i)) };
    }
  } finally {
    table.dispose();
  }
}
