import {
  crawlReport,
  frontierPage,
  type Candidate,
  type CrawledPage,
  type FrontierPage,
  type ProjectSettings,
} from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { addFetchJobs, addFrontierJobs, publishCandidates } from "@pairloom/sources";
import { publishLines, readLines, type Store } from "@pairloom/storage";
import { canonicalPageUrl, type Web } from "@pairloom/web";
import pMap from "p-map";
import { readPage } from "./readPage.js";
import { settleCanonicals } from "./settleCanonicals.js";

export interface CrawlContext {
  road: Road;
  store: Store;
  settings: ProjectSettings;
  web: Web;
}

/** What reading one page gave: the row of the report, and the candidates. */
export interface ReadPage {
  row: CrawledPage;
  candidates: Candidate[];
}

/** Runs one crawl job: reads the pages of a frontier file. Safe to run again. */
export async function crawlJob(
  { road, store, settings, web }: CrawlContext,
  job: { id: string; data: { frontier: string }; signal: AbortSignal },
): Promise<void> {
  const reportName = `crawls/${job.id}.jsonl.gz`;
  const frontier = await readLines(store, job.data.frontier, (value) => frontierPage.parse(value));
  if ((await store.stat(reportName)) === null) {
    const asked = await pMap(frontier, (page) => readPage(web, settings.web, page, job.signal), {
      signal: job.signal,
    });
    const read = settleCanonicals(frontier, asked);
    const candidates = await publishCandidates(
      store,
      job.id,
      read.flatMap((page) => page.candidates),
    );
    await publishLines(store, reportName, [{ candidates, pages: read.map(({ row }) => row) }]);
  }

  // From here on everything follows from what was published, whoever published it.
  const [report] = await readLines(store, reportName, (value) => crawlReport.parse(value));
  if (report === undefined) throw new Error(`${reportName} is empty`);
  await addFetchJobs(road, job.id, report.candidates, settings.fetchChunk);
  const follow = report.pages.flatMap((page) => page.follow);
  const followed = await addFrontierJobs(road, store, job.id, follow, canonicalPageUrl, settings.crawlChunk, {
    known: report.pages.flatMap(({ canonical }) => canonical ?? []),
    within: (fresh) => withinSiteLimits(road, fresh),
  });
  const counts: Record<string, number> = {
    "crawler.pages": report.pages.length,
    "crawler.candidates": report.candidates.count,
    "crawler.pages_followed": followed.length,
  };
  for (const page of report.pages) {
    const fate = page.status === "read" ? "crawler.read" : `crawler.not_read.${page.reason ?? "unknown"}`;
    counts[fate] = (counts[fate] ?? 0) + 1;
    for (const [name, count] of Object.entries(page.skipped))
      counts[`crawler.skipped.${name}`] = (counts[`crawler.skipped.${name}`] ?? 0) + count;
  }
  for (const { source } of followed) counts[followedOf(source)] = (counts[followedOf(source)] ?? 0) + 1;
  const found = report.pages.reduce((sum, page) => sum + page.candidates, 0);
  if (found > report.candidates.count) counts["crawler.skipped.equal"] = found - report.candidates.count;
  await road.countOnce(job.id, counts);
  await road.forgetAnswer(job.id, "pages");
}

/** The counter of a site's pages that were handed on. */
const followedOf = (source: string): string => `crawler.pages_followed_of.${source}`;

/**
 * The pages for which their sites' page limits have room, counted over what was handed on so far: a soft limit, since
 * jobs that run at once don't see each other's pages.
 */
async function withinSiteLimits(road: Road, pages: readonly FrontierPage[]): Promise<FrontierPage[]> {
  if (pages.every(({ scope }) => scope === null)) return [...pages];
  const funnel = await road.readFunnel();
  const taken = new Map<string, number>();
  return pages.filter(({ source, scope }) => {
    if (scope === null) return true;
    const before = taken.get(source) ?? funnel[followedOf(source)] ?? 0;
    if (before >= scope.maxPages) return false;
    return taken.set(source, before + 1);
  });
}
