/** How well classes are told. */
export interface Classification {
  samples: number;
  /** Shares of right answers: the first alone, and among the first five. */
  top1: number;
  top5: number;
  /** Mean over the classes that occur of each one's share of right answers. */
  meanPerClass: number;
  /** The answer for each picture. */
  answers: Int32Array;
}

/** Counts answers as their scores come. Of equal scores the lower class comes first; a score that is no number is never right. */
export class AnswerCounter {
  private readonly answers: Int32Array;
  private readonly rightOf: Int32Array;
  private readonly total: Int32Array;
  private near = 0;

  /** @param labels the true class of each picture */
  constructor(
    private readonly labels: ArrayLike<number>,
    classes: number,
  ) {
    this.answers = new Int32Array(labels.length);
    this.rightOf = new Int32Array(classes);
    this.total = new Int32Array(classes);
  }

  /** @param scores of picture number `row`, one a class */
  add(row: number, scores: ArrayLike<number>): void {
    const truth = this.labels[row]!;
    const own = scores[truth]!;
    let answer = 0;
    let before = 0;
    for (let label = 0; label < scores.length; label++) {
      if (scores[label]! > scores[answer]! || Number.isNaN(scores[answer])) answer = label;
      if (scores[label]! > own || (scores[label] === own && label < truth)) before++;
    }
    const counted = !Number.isNaN(own);
    this.answers[row] = answer;
    this.total[truth]!++;
    if (counted && before < 5) this.near++;
    if (counted && before === 0) this.rightOf[truth]!++;
  }

  result(): Classification {
    const samples = this.labels.length;
    const shares = [...this.total].flatMap((total, label) =>
      total === 0 ? [] : [this.rightOf[label]! / total],
    );
    const sum = (numbers: Iterable<number>) => [...numbers].reduce((all, one) => all + one, 0);
    return {
      samples,
      top1: samples === 0 ? 0 : sum(this.rightOf) / samples,
      top5: samples === 0 ? 0 : this.near / samples,
      meanPerClass: shares.length === 0 ? 0 : sum(shares) / shares.length,
      answers: this.answers,
    };
  }
}

/** counts[truth][answer]. */
export function confusionTable(
  labels: ArrayLike<number>,
  answers: ArrayLike<number>,
  classes: number,
): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let row = 0; row < labels.length; row++) counts[labels[row]!]![answers[row]!]!++;
  return counts;
}
