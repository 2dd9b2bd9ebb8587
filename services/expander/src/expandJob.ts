import {
  expandReport,
  type Candidate,
  type ExpandReport,
  type FrontierPage,
  type ProjectSettings,
} from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import {
  addFetchJobs,
  addFrontierJobs,
  expandQuery,
  publishCandidates,
  searchSource,
  type Get,
  type ReadVariable,
} from "@pairloom/sources";
import { BlobDamagedError, publishLines, readLines, type Store } from "@pairloom/storage";
import { canonicalPageUrl } from "@pairloom/web";
import { z } from "zod";

export interface ExpandContext {
  road: Road;
  store: Store;
  settings: ProjectSettings;
  /** HTTP as the sources want it. */
  get: Get;
  /** The environment, for the keys of search APIs. */
  readVariable?: ReadVariable;
}

/** The commit point of an expand job. */
export const expansionFile = (jobId: string): string => `expansions/${jobId}.jsonl.gz`;

export const queryLine = z.strictObject({ query: z.string().min(1) });

/** Runs one expand job: queries `from` to `to` of a list, against every search source. Safe to run again. */
export async function expandJob(
  { road, store, settings, get, readVariable }: ExpandContext,
  job: { id: string; data: { queries: string; from: number; to: number }; signal: AbortSignal },
): Promise<void> {
  const reportName = expansionFile(job.id);
  if ((await store.stat(reportName)) === null) {
    const lines = await readLines(store, job.data.queries, (value) => queryLine.parse(value));
    const queries = lines.slice(job.data.from, job.data.to).map((line) => line.query);
    const report = await askSources(queries, settings, get, readVariable, job.signal);
    const candidates = await publishCandidates(store, job.id, report.candidates);
    await publishLines(store, reportName, [{ candidates, queries: report.queries } satisfies ExpandReport]);
  }

  // From here on everything follows from what was published, whoever published it.
  const report = await readExpansion(store, job.id);
  await addFetchJobs(road, job.id, report.candidates, settings.fetchChunk);
  await handOnExpansion({ road, store, settings }, job.id, report);
}

/** @throws BlobNotFoundError, BlobDamagedError */
export async function readExpansion(store: Store, jobId: string): Promise<ExpandReport> {
  const name = expansionFile(jobId);
  const [report] = await readLines(store, name, (value) => expandReport.parse(value));
  if (report === undefined) throw new BlobDamagedError(name, store.url, ": it is empty", null);
  return report;
}

/** Hands the pages that an expansion found on to the crawler, and counts it. Done again it changes nothing. */
export async function handOnExpansion(
  { road, store, settings }: Pick<ExpandContext, "road" | "store" | "settings">,
  jobId: string,
  report: ExpandReport,
): Promise<void> {
  const pages: FrontierPage[] = report.queries.flatMap(({ pages }) =>
    pages.map((url) => ({ url, source: "search", scope: null, kind: "page" as const })),
  );
  await addFrontierJobs(road, store, jobId, pages, canonicalPageUrl, settings.crawlChunk);
  await road.countOnce(jobId, {
    "expander.queries": new Set(report.queries.map(({ query }) => query)).size,
    "expander.pages_found": pages.length,
    "expander.candidates": report.candidates.count,
    "expander.failures": report.queries.reduce((sum, { failures }) => sum + failures.length, 0),
  });
  await road.forgetAnswer(jobId, "pages");
}

async function askSources(
  queries: readonly string[],
  settings: ProjectSettings,
  get: Get,
  readVariable: ReadVariable | undefined,
  signal: AbortSignal,
): Promise<{ candidates: Candidate[]; queries: ExpandReport["queries"] }> {
  const candidates: Candidate[] = [];
  const answers: ExpandReport["queries"] = [];
  const sources = settings.sources.filter((source) => source.kind === "search");
  for (const query of queries)
    for (const config of sources) {
      const found = await expandQuery(searchSource(config, readVariable), query, get, {
        maxCandidates: settings.maxCandidatesPerQuery,
        signal,
      });
      // A source that is away may be back: the queue tries the job again, and nothing of it is published yet.
      if (found.pages.length + found.candidates.length === 0 && found.failures[0] !== undefined)
        throw new Error(`nothing found for "${query}": ${found.failures[0]}`);
      candidates.push(...found.candidates);
      answers.push({
        query,
        source: config.name,
        pages: [...new Set(found.pages.map(canonicalPageUrl))],
        images: [...new Set(found.candidates.map((candidate) => candidate.imageUrl))],
        failures: found.failures,
      });
    }
  return { candidates, queries: answers };
}
