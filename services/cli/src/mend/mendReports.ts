import { createHash } from "node:crypto";
import type { CrawlReport, ExpandReport } from "@pairloom/config";
import { crawlFile, handOnCrawl, readCrawl } from "@pairloom/service-crawler";
import { expansionFile, handOnExpansion, readExpansion } from "@pairloom/service-expander";
import { candidatesFile } from "@pairloom/shards";
import { fetchJobOf } from "@pairloom/sources";
import { readLines } from "@pairloom/storage";
import { Coverage, queriesIn } from "./coverage.js";
import { damageOf, idIn, type Mending, namesOf, putAside } from "./mending.js";

export interface Known {
  /** Which candidates have their rows. */
  fetched: Coverage;
  /** Crawl jobs whose pages are known. */
  crawls: ReadonlySet<string>;
  /** Query lists that are there, by the file's name. */
  lists: ReadonlySet<string>;
}

/** Candidates that can't be read go out of the way; who needs them finds them missing. */
export async function mendCandidates(mending: Mending): Promise<void> {
  const { store } = mending.project;
  for await (const name of namesOf(store, "candidates/")) {
    const [, hash] = /\.([0-9a-f]{16})\.jsonl\.gz$/.exec(name) ?? [];
    if (hash === undefined) continue;
    try {
      // As JSON.stringify wrote them when the name was made: keys in the order of the text.
      const candidates = await readLines(store, name, (value) => value);
      const sum = createHash("sha256").update(JSON.stringify(candidates)).digest("hex");
      if (!sum.startsWith(hash)) await putAside(mending, name, `${name} is not what its name says`);
    } catch (error) {
      const why = damageOf(error);
      if (why === null) throw error;
      await putAside(mending, name, why);
    }
  }
}

/**
 * Does again what follows from each report: puts back the fetch jobs whose rows are missing, hands on pages that nobody handed
 * on, counts. A report whose candidates are needed and gone goes out of the way, so that its job makes them again.
 * @returns which queries of which list have been expanded
 */
export async function mendReports(mending: Mending, known: Known): Promise<Coverage> {
  const { project } = mending;
  const { store } = project;
  const expanded = new Coverage();
  for await (const name of namesOf(store, "expansions/")) {
    const id = idIn("expansions/", name);
    const [, list, from] = /^x-(.+)-(\d+)$/.exec(id ?? "") ?? [];
    if (id === null || list === undefined) continue;
    const report = await soundReport(mending, name, () => readExpansion(store, id));
    if (report === null) continue;
    const queryFile = `queries/${list}.jsonl.gz`;
    if (
      !(await putBackFetches(mending, id, report, known, { file: name, canRun: known.lists.has(queryFile) }))
    )
      continue;
    await handOnExpansion(project, id, report);
    expanded.add(list, Number(from), queriesIn(report, project.settings.expandChunk));
  }
  for await (const name of namesOf(store, "crawls/")) {
    const id = idIn("crawls/", name);
    if (id === null) continue;
    const report = await soundReport(mending, name, () => readCrawl(store, id));
    if (report === null) continue;
    if (await putBackFetches(mending, id, report, known, { file: name, canRun: known.crawls.has(id) }))
      await handOnCrawl(project, id, report);
  }
  await noteLostReports(mending, known);
  return expanded;
}

async function soundReport<T>(mending: Mending, name: string, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    const why = damageOf(error);
    if (why === null) throw error;
    await putAside(mending, name, why);
    return null;
  }
}

/** @returns false where the report's job must run again */
async function putBackFetches(
  mending: Mending,
  job: string,
  { candidates: { id, count } }: CrawlReport | ExpandReport,
  { fetched }: Known,
  report: { file: string; canRun: boolean },
): Promise<boolean> {
  const { mended, project } = mending;
  if (id === null) return true;
  const missing = fetched.missing(job, count, project.settings.fetchChunk);
  if (missing.length === 0) return true;
  if ((await project.store.stat(candidatesFile(id))) === null) {
    const rows = missing.reduce((sum, { from, to }) => sum + to - from, 0);
    const why = `${candidatesFile(id)} is gone, and ${rows} of its ${count} candidates have no row yet`;
    if (report.canRun) {
      await putAside(mending, report.file, why);
      return false;
    }
    mended.lost.push(
      `${why}. Where they came from is gone too: put the file back from a copy, or seed the same queries or site in a new project`,
    );
    return true;
  }
  await project.road.add(
    "fetcher",
    missing.map((range) => fetchJobOf(job, id, range)),
  );
  mended.jobs.fetch += missing.length;
  return true;
}

/** Segments stay whose report is gone and can't be made again; what else the report said is lost. */
async function noteLostReports(
  { mended, project: { store } }: Mending,
  { fetched, crawls, lists }: Known,
): Promise<void> {
  for (const job of fetched.lists()) {
    if (job.startsWith("m-")) continue; // rows that mending fetched: no report names them
    const list = /^x-(.+)-\d+$/.exec(job)?.[1];
    const file = list === undefined ? crawlFile(job) : expansionFile(job);
    const canRun = list === undefined ? crawls.has(job) : lists.has(`queries/${list}.jsonl.gz`);
    if (canRun || (await store.stat(file)) !== null) continue;
    mended.lost.push(
      `${file} is gone, and so is what its job worked on: what was fetched for it stays, links that only it held are not followed. Put it back from a copy if there is one`,
    );
  }
}
