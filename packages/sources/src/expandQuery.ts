import type { ExpandLimits, Expansion, Get, Source } from "./source.js";

/** Asks a source for a query and keeps each page and candidate once, `maxCandidates` of both together at most. */
export async function expandQuery(
  source: Source,
  query: string,
  get: Get,
  limits: ExpandLimits,
): Promise<Expansion> {
  const found = await source.expand(query, get, limits);
  const pages = [...new Set(found.pages)].slice(0, limits.maxCandidates);
  const seen = new Set<string>();
  const candidates = found.candidates
    .filter((candidate) => {
      const key = JSON.stringify([candidate.imageUrl, candidate.pageUrl, candidate.texts]);
      return !seen.has(key) && seen.add(key);
    })
    .slice(0, limits.maxCandidates - pages.length);
  return { pages, candidates, failures: found.failures };
}
