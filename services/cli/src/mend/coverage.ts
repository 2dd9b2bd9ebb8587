import type { ExpandReport } from "@pairloom/config";

export interface Range {
  from: number;
  /** Exclusive. */
  to: number;
}

/** Which parts of numbered lists are done, however they were divided into chunks when that was done. */
export class Coverage {
  readonly #ranges = new Map<string, Range[]>();

  add(list: string, from: number, count: number): void {
    const ranges = this.#ranges.get(list);
    const range = { from, to: from + count };
    if (ranges === undefined) this.#ranges.set(list, [range]);
    else ranges.push(range);
  }

  lists(): Iterable<string> {
    return this.#ranges.keys();
  }

  /** What of a list of `count` is not done, in chunks. */
  missing(list: string, count: number, chunk: number): Range[] {
    const done = [...(this.#ranges.get(list) ?? [])].sort((a, b) => a.from - b.from);
    const missing: Range[] = [];
    let at = 0;
    for (const { from, to } of [...done, { from: count, to: count }]) {
      const end = Math.min(from, count);
      for (let start = at; start < end; start += chunk)
        missing.push({ from: start, to: Math.min(start + chunk, end) });
      at = Math.max(at, to);
    }
    return missing;
  }
}

/** How many queries a report covers: one that was made without any source names none, and there is no more to ask for them. */
export function queriesIn({ queries }: ExpandReport, expandChunk: number): number {
  return queries.length === 0 ? expandChunk : new Set(queries.map(({ query }) => query)).size;
}
