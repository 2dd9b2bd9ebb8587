/** One sample as balancing sees it. */
export interface Balanced {
  /** Every query that the sample answers; none means that no cap applies. */
  queries: readonly string[];
  /** A hash that decides who comes first; equal order keys are settled by the sample's place. */
  order: string;
}

/**
 * Caps the samples of each query (CLIP's "up to 20,000 pairs a query"; MetaCLIP's balancing of the head).
 * Samples are visited by their `order`; one is kept if at least one of its queries has room, and then counts for all
 * of them. So a sample of a rare query stays although it answers a frequent one as well.
 * @returns for each sample, in the order given, whether it is kept
 */
export function balanceByQuery(samples: readonly Balanced[], maxPairsPerQuery: number): boolean[] {
  const visit = samples.map((_, i) => i);
  visit.sort((a, b) => {
    const x = samples[a]!.order;
    const y = samples[b]!.order;
    return x < y ? -1 : x > y ? 1 : a - b;
  });
  const filled = new Map<string, number>();
  const kept = new Array<boolean>(samples.length).fill(false);
  for (const i of visit) {
    const queries = new Set(samples[i]!.queries);
    let room = queries.size === 0;
    for (const query of queries) room ||= (filled.get(query) ?? 0) < maxPairsPerQuery;
    if (!room) continue;
    kept[i] = true;
    for (const query of queries) filled.set(query, (filled.get(query) ?? 0) + 1);
  }
  return kept;
}
