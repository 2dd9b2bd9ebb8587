/**
 * Caps the samples of each query (CLIP's "up to 20,000 pairs a query"; MetaCLIP's balancing of the head).
 * Samples come in an order that says nothing of them (a seeded hash); one is kept if at least one of its queries has
 * room, and then counts for all of them. So a sample of a rare query stays although it answers a frequent one as well.
 * Keeps a number a query.
 */
export class QueryBalance {
  readonly #filled = new Map<string, number>();

  constructor(private readonly maxPairsPerQuery: number) {}

  /**
   * Whether the next sample is kept.
   * @param queries every query that it answers; none means that no cap applies
   */
  keeps(queries: readonly string[]): boolean {
    const once = new Set(queries);
    let room = once.size === 0;
    for (const query of once) room ||= (this.#filled.get(query) ?? 0) < this.maxPairsPerQuery;
    if (room) for (const query of once) this.#filled.set(query, (this.#filled.get(query) ?? 0) + 1);
    return room;
  }
}
