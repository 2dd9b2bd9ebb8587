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
import { canonicalUrl, type Web } from "@pairloom/web";
import pMap from "p-map";
import { readPage } from "./readPage.js";

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
  const [report] = await readLines(store, reportName, (value) => crawlReport.parse(value));
  if (report === undefined) throw new Error(`${reportName} is empty`);
  await addFetchJobs(road, job.id, report.candidates, settings.fetchChunk);
  const follow = await withinSiteLimits(
    road,
    report.pages.flatMap((page) => page.follow),
  );
  const freshPages = await addFrontierJobs(road, store, job.id, follow, canonicalUrl, settings.crawlChunk);
  const counts: Record<string, number> = {
    "crawler.pages": report.pages.length,
    "crawler.candidates": report.candidates.count,
    "crawler.pages_followed": freshPages,
  };
  for (const page of report.pages) {
    const fate = page.status === "read" ? "crawler.read" : `crawler.not_read.${page.reason ?? "unknown"}`;
    counts[fate] = (counts[fate] ?? 0) + 1;
    for (const [name, count] of Object.entries(page.skipped))
      counts[`crawler.skipped.${name}`] = (counts[`crawler.skipped.${name}`] ?? 0) + count;
  }
  const found = report.pages.reduce((sum, page) => sum + page.candidates, 0);
  if (found > report.candidates.count) counts["crawler.skipped.equal"] = found - report.candidates.count;
  await road.countOnce(job.id, counts);
  await road.forgetAnswer(job.id, "pages");
}

/** Drops links once the site's page limit is reached (counted over all pages handed on so far: a soft limit). */
async function withinSiteLimits(road: Road, pages: FrontierPage[]): Promise<FrontierPage[]> {
  const limit = Math.max(0, ...pages.map((page) => page.scope?.maxPages ?? Infinity));
  if (!Number.isFinite(limit) || pages.length === 0) return pages;
  const funnel = await road.readFunnel();
  const room = limit - (funnel["crawler.pages_followed"] ?? 0);
  return room <= 0 ? [] : pages;
}
