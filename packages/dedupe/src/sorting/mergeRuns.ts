/** Where a run is being read. */
interface Cursor<T> {
  blocks: AsyncIterator<T[]>;
  block: T[];
  at: number;
  /** Equal records come from the earlier run first. */
  rank: number;
}

/** Merges sorted runs, given block by block, with a heap of their next records. */
export async function* mergeRuns<T>(
  runs: readonly AsyncIterable<T[]>[],
  order: (a: T, b: T) => number,
): AsyncGenerator<T, void> {
  const cursors: Cursor<T>[] = [];
  try {
    for (const [rank, run] of runs.entries()) {
      const cursor = { blocks: run[Symbol.asyncIterator](), block: [], at: 0, rank };
      cursors.push(cursor);
      await nextBlock(cursor);
    }
    const before = (a: Cursor<T>, b: Cursor<T>) =>
      (order(a.block[a.at]!, b.block[b.at]!) || a.rank - b.rank) < 0;
    const heap = cursors.filter(({ block }) => block.length > 0);
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i, before);
    while (heap.length > 0) {
      const first = heap[0]!;
      yield first.block[first.at++]!;
      if (first.at === first.block.length && !(await nextBlock(first))) {
        const last = heap.pop()!;
        if (heap.length > 0 && last !== first) heap[0] = last;
      }
      sink(heap, 0, before);
    }
  } finally {
    for (const { blocks } of cursors) await blocks.return?.();
  }
}

async function nextBlock<T>(cursor: Cursor<T>): Promise<boolean> {
  const next = await cursor.blocks.next();
  cursor.block = next.done ? [] : next.value;
  cursor.at = 0;
  return !next.done;
}

/** Restores the heap below `at`. */
function sink<T>(heap: Cursor<T>[], at: number, before: (a: Cursor<T>, b: Cursor<T>) => boolean): void {
  for (;;) {
    let least = at;
    for (let child = 2 * at + 1; child <= 2 * at + 2 && child < heap.length; child++)
      if (before(heap[child]!, heap[least]!)) least = child;
    if (least === at) return;
    [heap[at], heap[least]] = [heap[least]!, heap[at]!];
    at = least;
  }
}
