/** Rows with their scores, the highest first; of equal ones the lower row. */
export interface Scored {
  row: number;
  score: number;
}

/** The `count` best of what is offered, in a heap whose root is the worst. */
export class Nearest {
  private readonly heap: Scored[] = [];

  constructor(private readonly count: number) {}

  /** Scores that aren't above can't come in any more, if their rows are higher than those offered before. */
  get floor(): number {
    return this.heap.length < this.count ? -Infinity : this.heap[0]!.score;
  }

  offer(row: number, score: number): void {
    const { heap } = this;
    const item = { row, score };
    if (heap.length === this.count) {
      if (!isBetter(item, heap[0]!)) return;
      heap[0] = item;
      this.sink();
      return;
    }
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBetter(item, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      heap[parent] = item;
      at = parent;
    }
  }

  best(): Scored[] {
    return [...this.heap].sort((a, b) => b.score - a.score || a.row - b.row);
  }

  private sink(): void {
    const { heap } = this;
    for (let at = 0; ;) {
      let worst = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && isBetter(heap[worst]!, heap[child]!)) worst = child;
      if (worst === at) return;
      [heap[at], heap[worst]] = [heap[worst]!, heap[at]!];
      at = worst;
    }
  }
}

const isBetter = (a: Scored, b: Scored): boolean =>
  a.score > b.score || (a.score === b.score && a.row < b.row);
