import * as tf from "@tensorflow/tfjs";
import { UserError } from "@pairloom/config/errors";
import type { FeatureTable } from "../featureTable.js";
import { minimize, type MinimizeOptions } from "./minimize.js";

/** A linear classifier over the classes that it was trained on. */
export interface LinearClassifier {
  /** Numbers of the classes, rising. */
  classes: Int32Array;
  /** [E, K], then K biases. */
  weights: Float64Array;
  /** Mean cross-entropy and penalty, as minimised. */
  loss: number;
  iterations: number;
  converged: boolean;
}

/** Relative error of a loss whose logits are float32. */
const float32Rounding = 1e-7;
/** Logits of a block of rows: 16 MB. */
const blockLogits = 1 << 22;

interface Block {
  features: tf.Tensor2D;
  /** Places in the list of classes. */
  labels: Int32Array;
}

/**
 * Multinomial logistic regression with an L2 penalty, as scikit-learn's LogisticRegression (lbfgs) minimises it:
 * mean cross-entropy + |W|² / (2·C·N), the biases free; of two classes one weight vector counts. The two products with
 * the features are float32 on the engine, everything else is float64. Whoever makes one disposes it.
 */
export class LogisticRegression {
  readonly classes: Int32Array;
  private readonly blocks: Block[] = [];
  private readonly rows: number;
  private readonly width: number;

  /**
   * @param labels the class of each row
   * @throws UserError "one_class" where all labels are equal
   */
  constructor(features: FeatureTable, labels: ArrayLike<number>) {
    const { rows, width, data } = features;
    this.rows = rows;
    this.width = width;
    this.classes = Int32Array.from(new Set(Array.from(labels))).sort();
    if (this.classes.length < 2)
      throw new UserError("one_class", `The pictures to train on are of ${this.classes.length} class`, {
        hint: "A probe needs pictures of two classes at least.",
      });
    const places = new Map([...this.classes].map((label, place) => [label, place]));
    const atOnce = Math.max(1, Math.floor(blockLogits / this.classes.length));
    for (let first = 0; first < rows; first += atOnce) {
      const count = Math.min(atOnce, rows - first);
      this.blocks.push({
        features: tf.tensor2d(data.subarray(first * width, (first + count) * width), [count, width]),
        labels: Int32Array.from({ length: count }, (_, i) => places.get(labels[first + i]!)!),
      });
    }
  }

  /** @param c inverse strength of the penalty. @param start weights to begin with, of a fit of the same classes */
  async fit(c: number, start?: Float64Array, options?: MinimizeOptions): Promise<LinearClassifier> {
    const count = this.classes.length;
    const from = start ?? new Float64Array((this.width + 1) * count);
    const penalty = (count === 2 ? 2 : 1) / (c * this.rows);
    const objective = (w: Float64Array, gradient: Float64Array) => this.lossAndGradient(w, penalty, gradient);
    const found = await minimize(objective, from, { rounding: float32Rounding, ...options });
    const { x: weights, value: loss, iterations, converged } = found;
    return { classes: this.classes, weights, loss, iterations, converged };
  }

  dispose(): void {
    for (const { features } of this.blocks) features.dispose();
  }

  private async lossAndGradient(w: Float64Array, penalty: number, gradient: Float64Array): Promise<number> {
    const { width, rows } = this;
    const count = this.classes.length;
    const bias = width * count;
    gradient.fill(0);
    let loss = 0;
    const table = tf.tensor2d(Float32Array.from(w.subarray(0, bias)), [width, count]);
    for (const { features, labels } of this.blocks) {
      const product = tf.matMul(features, table);
      const logits = (await product.data()) as Float32Array;
      product.dispose();
      const { lost, rest } = residuals(logits, labels, w.subarray(bias), gradient.subarray(bias));
      loss += lost;
      const change = tf.tidy(() => tf.matMul(features, tf.tensor2d(rest, [labels.length, count]), true));
      const sums = await change.data();
      change.dispose();
      for (let i = 0; i < bias; i++) gradient[i]! += sums[i]!;
    }
    table.dispose();
    let square = 0;
    for (let i = 0; i < gradient.length; i++) {
      gradient[i]! /= rows;
      if (i >= bias) continue;
      gradient[i]! += penalty * w[i]!;
      square += w[i]! ** 2;
    }
    return loss / rows + (penalty / 2) * square;
  }
}

/** Cross-entropy summed over rows, and softmax minus truth for each logit; its columns' sums are added to `biasGradient`. */
function residuals(
  logits: Float32Array,
  labels: Int32Array,
  biases: Float64Array,
  biasGradient: Float64Array,
): { lost: number; rest: Float32Array } {
  const count = biases.length;
  const rest = new Float32Array(logits.length);
  const exponentials = new Float64Array(count);
  let lost = 0;
  for (let row = 0, at = 0; row < labels.length; row++, at += count) {
    let most = -Infinity;
    for (let k = 0; k < count; k++) most = Math.max(most, logits[at + k]! + biases[k]!);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      exponentials[k] = Math.exp(logits[at + k]! + biases[k]! - most);
      sum += exponentials[k]!;
    }
    const truth = labels[row]!;
    lost += Math.log(sum) - (logits[at + truth]! + biases[truth]! - most);
    for (let k = 0; k < count; k++) {
      const value = exponentials[k]! / sum - (k === truth ? 1 : 0);
      rest[at + k] = value;
      biasGradient[k]! += value;
    }
  }
  return { lost, rest };
}
