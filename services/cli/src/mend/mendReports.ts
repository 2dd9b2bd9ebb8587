import { createHash } from "node:crypto";
import type { CrawlReport, ExpandReport } from "@pairloom/config";
import { handOnCrawl, readCrawl } from "@pairloom/service-crawler";
import { handOnExpansion, readExpansion } from "@pairloom/service-expander";
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
    const onLost = (why: string): void => {
      if (!known.lists.has(`queries/${list}.jsonl.gz`))
        mending.mended.lost.push(`${why}: seed the same query list again, and they are found again`);
    };
    if (!(await putBackFetches(mending, id, report, known, { file: name, onLost }))) continue;
    await handOnExpansion(project, id, report);
    expanded.add(list, Number(from), queriesIn(report, project.settings.expandChunk));
  }
  for await (const name of namesOf(store, "crawls/")) {
    const id = idIn("crawls/", name);
    if (id === null) continue;
    const report = await soundReport(mending, name, () => readCrawl(store, id));
    if (report === null) continue;
    // Its pages were marked by this report: only without it does whoever found them hand them on again.
    const onLost = (): void => {
      if (!known.crawls.has(id)) mending.again = true;
    };
    if (await putBackFetches(mending, id, report, known, { file: name, onLost }))
      await handOnCrawl(project, id, report);
  }
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
  /** `onLost`: the report is out of the way, since its candidates are gone. */
  report: { file: string; onLost: (why: string) => void },
): Promise<boolean> {
  const { mended, project } = mending;
  if (id === null) return true;
  const missing = fetched.missing(job, count, project.settings.fetchChunk);
  if (missing.length === 0) return true;
  if ((await project.store.stat(candidatesFile(id))) === null) {
    const rows = missing.reduce((sum, { from, to }) => sum + to - from, 0);
    const why = `${candidatesFile(id)} is gone, and ${rows} of its ${count} candidates have no row yet`;
    await putAside(mending, report.file, why);
    report.onLost(why);
    return false;
  }
  await project.road.add(
    "fetcher",
    missing.map((range) => fetchJobOf(job, id, range)),
  );
  mended.jobs.fetch += missing.length;
  return true;
}
