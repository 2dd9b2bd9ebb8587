/** What a dataset lists and an evaluation can't use, counted by reason. */
export class LeftOut {
  private readonly reasons = new Map<string, { count: number; first: string }>();

  /** @param example names what it is, for the first of its reason */
  add(reason: string, example: string): void {
    const known = this.reasons.get(reason);
    if (known === undefined) this.reasons.set(reason, { count: 1, first: example });
    else known.count++;
  }

  /** Counts by reason, e.g. {"picture missing": 2}. */
  counts(): Record<string, number> {
    return Object.fromEntries([...this.reasons].map(([reason, { count }]) => [reason, count]));
  }

  /** The first of each reason. */
  examples(): Record<string, string> {
    return Object.fromEntries([...this.reasons].map(([reason, { first }]) => [reason, first]));
  }

  /** One line a reason. */
  lines(): string[] {
    return [...this.reasons].map(([reason, { count, first }]) =>
      count === 1 ? `left out: ${reason} (${first})` : `left out ${count} times: ${reason} (first ${first})`,
    );
  }
}
