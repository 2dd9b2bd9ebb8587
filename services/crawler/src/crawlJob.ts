import {
  crawlReport,
  frontierPage,
  type Candidate,
  type CrawledPage,
  type CrawlReport,
  type FrontierPage,
  type ProjectSettings,
} from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { addFetchJobs, addFrontierJobs, followedOf, publishCandidates } from "@pairloom/sources";
import { BlobDamagedError, publishLines, readLines, type Store } from "@pairloom/storage";
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

/** The commit point of a crawl job. */
export const crawlFile = (jobId: string): string => `crawls/${jobId}.jsonl.gz`;

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
  const reportName = crawlFile(job.id);
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
  const report = await readCrawl(store, job.id);
  await addFetchJobs(road, job.id, report.candidates, settings.fetchChunk);
  await handOnCrawl({ road, store, settings }, job.id, report);
}

/** @throws BlobNotFoundError, BlobDamagedError */
export async function readCrawl(store: Store, jobId: string): Promise<CrawlReport> {
  const name = crawlFile(jobId);
  const [report] = await readLines(store, name, (value) => crawlReport.parse(value));
  if (report === undefined) throw new BlobDamagedError(name, store.url, ": it is empty", null);
  return report;
}

/** Hands the links that a crawl found on to further crawls, and counts it. Done again it changes nothing. */
export async function handOnCrawl(
  { road, store, settings }: Pick<CrawlContext, "road" | "store" | "settings">,
  jobId: string,
  report: CrawlReport,
): Promise<void> {
  const follow = report.pages.flatMap((page) => page.follow);
  await addFrontierJobs(road, store, jobId, follow, canonicalPageUrl, settings.crawlChunk, {
    known: report.pages.flatMap(({ canonical }) => canonical ?? []),
    within: (fresh) => withinSiteLimits(road, fresh),
  });
  const counts: Record<string, number> = {
    "crawler.pages": report.pages.length,
    "crawler.candidates": report.candidates.count,
  };
  for (const page of report.pages) {
    const fate = page.status === "read" ? "crawler.read" : `crawler.not_read.${page.reason ?? "unknown"}`;
    counts[fate] = (counts[fate] ?? 0) + 1;
    for (const [name, count] of Object.entries(page.skipped))
      counts[`crawler.skipped.${name}`] = (counts[`crawler.skipped.${name}`] ?? 0) + count;
  }
  const found = report.pages.reduce((sum, page) => sum + page.candidates, 0);
  if (found > report.candidates.count) counts["crawler.skipped.equal"] = found - report.candidates.count;
  await road.countOnce(jobId, counts);
  await road.forgetAnswer(jobId, "pages");
}

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
