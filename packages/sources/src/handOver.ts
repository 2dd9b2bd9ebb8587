import { createHash } from "node:crypto";
import { distinctCandidates, type Candidate, type FrontierPage } from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { publishLines, type Store } from "@pairloom/storage";

/**
 * How expander and crawler hand work on. Everything here may be done twice, after a kill, without effect:
 * file names come from content or from the job's id, job ids from the parent's id.
 */

/** First 8 bytes of the sha256: the key of a URL in the seen-sets. */
export function urlKey(canonicalUrl: string): Buffer {
  return createHash("sha256").update(canonicalUrl).digest().subarray(0, 8);
}

/** A published file of candidates, as shards' `readCandidates` knows it; no id where there are none. */
export interface CandidatesFile {
  id: string | null;
  count: number;
}

/** Publishes a job's candidates, each once, under a name made of the job's id and their content. */
export async function publishCandidates(
  store: Store,
  jobId: string,
  found: readonly Candidate[],
): Promise<CandidatesFile> {
  const candidates = distinctCandidates(found);
  if (candidates.length === 0) return { id: null, count: 0 };
  const hash = createHash("sha256").update(JSON.stringify(candidates)).digest("hex").slice(0, 16);
  const id = `${jobId}.${hash}`;
  await publishLines(store, `candidates/${id}.jsonl.gz`, candidates);
  return { id, count: candidates.length };
}

/** The fetch job for candidates `from` to `to` of a file; its segment has its id. */
export function fetchJobOf(jobId: string, candidates: string, { from, to }: { from: number; to: number }) {
  return { id: `f-${jobId}-${from}`, data: { candidates, from, to } };
}

/** The id of the crawl job for a frontier file. */
export function crawlJobId(frontier: string): string {
  return `c-${createHash("sha256").update(frontier).digest("hex").slice(0, 20)}`;
}

/** Adds the fetch jobs for a published file of candidates. */
export async function addFetchJobs(
  road: Road,
  jobId: string,
  { id: candidates, count }: CandidatesFile,
  chunk: number,
): Promise<void> {
  if (candidates === null) return;
  const jobs = [];
  for (let from = 0; from < count; from += chunk)
    jobs.push(fetchJobOf(jobId, candidates, { from, to: Math.min(from + chunk, count) }));
  await road.add("fetcher", jobs);
}

export interface HandOverOptions {
  /** URLs that count as read, so that nobody reads them from now on. */
  known?: readonly string[];
  /** Chooses among the pages that are new. */
  within?: (fresh: FrontierPage[]) => Promise<FrontierPage[]>;
}

/**
 * Adds crawl jobs for those pages that nobody has handed on before (by canonical URL). A file of pages is named by its
 * content too: where a job is run again on queues that were rebuilt, other pages may be left for it than at first.
 * @param pages the same ones each time that the job runs, as `known` is
 * @returns those that were handed on
 */
export async function addFrontierJobs(
  road: Road,
  store: Store,
  jobId: string,
  pages: readonly FrontierPage[],
  canonicalUrl: (url: string) => string,
  chunk: number,
  { known = [], within }: HandOverOptions = {},
): Promise<FrontierPage[]> {
  if (pages.length + known.length === 0) return [];
  const keys = [...known, ...pages.map(({ url }) => url)].map((url) => urlKey(canonicalUrl(url)));
  const isNew = await road.seenOnce(jobId, "pages", keys);
  const unseen = pages.filter((_, at) => isNew[known.length + at] === 1);
  const fresh = within === undefined ? unseen : await within(unseen);
  const jobs = [];
  const parts = new Map<string, FrontierPage[]>();
  for (let from = 0; from < fresh.length; from += chunk) {
    const part = fresh.slice(from, from + chunk);
    const hash = createHash("sha256").update(JSON.stringify(part)).digest("hex").slice(0, 16);
    const frontier = `frontier/${jobId}-${from}.${hash}.jsonl.gz`;
    await publishLines(store, frontier, part);
    parts.set(frontier, part);
    jobs.push({ id: crawlJobId(frontier), data: { frontier } });
  }
  await road.add("crawler", jobs);
  // Last: what is counted takes room of its site's page limit, so a kill before this must leave the room for these pages.
  for (const [frontier, part] of parts) await countFrontier(road, frontier, part);
  return fresh;
}

/** Counts the pages of a frontier file once, by the stage that found them. A site's first pages are found by nobody. */
export async function countFrontier(
  road: Road,
  frontier: string,
  pages: readonly { source: string }[],
): Promise<void> {
  const [, stage] = /^frontier\/(x|c)-/.exec(frontier) ?? [];
  if (stage !== undefined) await countPages(road, crawlJobId(frontier), stage as "x" | "c", pages);
}

/** Counts pages that an expansion ("x") or a crawl ("c") found, once for each crawl job that they go to. */
export async function countPages(
  road: Road,
  crawlJob: string,
  stage: "x" | "c",
  pages: readonly { source: string }[],
): Promise<void> {
  const counts: Record<string, number> = {
    [stage === "x" ? "expander.pages_new" : "crawler.pages_followed"]: pages.length,
  };
  if (stage === "c")
    for (const { source } of pages) counts[followedOf(source)] = (counts[followedOf(source)] ?? 0) + 1;
  await road.countOnce(`${crawlJob}-found`, counts);
}

/** The counter of a site's pages that were handed on. */
export const followedOf = (source: string): string => `crawler.pages_followed_of.${source}`;
