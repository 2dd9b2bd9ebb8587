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
import { addFetchJobs, addFrontierJobs, publishCandidates } from "@pairloom/sources";
import { BlobDamagedError, publishLines, readLines, type Store } from "@pairloom/storage";
import { canonicalUrl, type Web } from "@pairloom/web";
import pMap from "p-map";
import { readPage } from "./readPage.js";

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
    const read = await pMap(frontier, (page) => readPage(web, settings.web, page, job.signal), {
      signal: job.signal,
    });
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
  const follow = await withinSiteLimits(
    road,
    report.pages.flatMap((page) => page.follow),
  );
  await addFrontierJobs(road, store, jobId, follow, canonicalUrl, settings.crawlChunk);
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
  await road.countOnce(jobId, counts);
  await road.forgetAnswer(jobId, "pages");
}

/** Drops links once the site's page limit is reached (counted over all pages handed on so far: a soft limit). */
async function withinSiteLimits(road: Road, pages: FrontierPage[]): Promise<FrontierPage[]> {
  const limit = Math.max(0, ...pages.map((page) => page.scope?.maxPages ?? Infinity));
  if (!Number.isFinite(limit) || pages.length === 0) return pages;
  const funnel = await road.readFunnel();
  const room = limit - (funnel["crawler.pages_followed"] ?? 0);
  return room <= 0 ? [] : pages;
}
