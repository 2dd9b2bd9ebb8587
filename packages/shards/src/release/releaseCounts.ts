import type { ReleaseCounts } from "./dataCard.js";
import type { ShardRow } from "./shardTable.js";
import { Tally } from "./tally.js";

const noneStated = "none stated";

export function emptyCounts(): ReleaseCounts {
  return {
    queries: new Tally(),
    sources: new Tally(),
    licences: new Tally(),
    languages: new Tally(),
    reasons: new Tally(),
  };
}

/** Adds the samples of a shard to what the data card counts. */
export function countSamples(
  counts: ReleaseCounts,
  rows: readonly Pick<ShardRow, "queries" | "sources" | "licence" | "language">[],
): void {
  for (const { queries, sources, licence, language } of rows) {
    for (const query of queries) counts.queries.add(query);
    for (const source of sources) counts.sources.add(source);
    counts.licences.add(licence ?? noneStated);
    counts.languages.add(language ?? noneStated);
  }
}
