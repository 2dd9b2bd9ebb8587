import { compareBytes } from "../compareBytes.js";

/** Counts of names; `ordered` lists them by count descending, then in byte order. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  /** Distinct names. */
  get size(): number {
    return this.counts.size;
  }

  ordered(limit = Number.POSITIVE_INFINITY): [string, number][] {
    const all = [...this.counts].sort(([a, n], [b, m]) => m - n || compareBytes(a, b));
    return all.slice(0, limit);
  }
}
