import { frontierPage, type FrontierPage } from "@pairloom/config";
import { crawlFile, readCrawl } from "@pairloom/service-crawler";
import { countFrontier, countPages, crawlJobId, urlKey } from "@pairloom/sources";
import { readLines } from "@pairloom/storage";
import { canonicalPageUrl } from "@pairloom/web";
import { damageOf, idIn, type Mending, namesOf, putAside } from "./mending.js";

export interface KnownPages {
  /** Crawl jobs whose pages are known: those that can run again. */
  crawls: Set<string>;
  /** Names of the sources that led to pages. */
  sources: Set<string>;
}

/** Marks every page as seen that was handed to the crawler, and counts it. */
export async function mendFrontier(mending: Mending): Promise<KnownPages> {
  const { road, store } = mending.project;
  const known: KnownPages = { crawls: new Set(), sources: new Set() };
  for await (const name of namesOf(store, "frontier/")) {
    if (idIn("frontier/", name) === null) continue;
    let pages: FrontierPage[];
    try {
      pages = await readLines(store, name, (value) => frontierPage.parse(value));
    } catch (error) {
      const why = damageOf(error);
      if (why === null) throw error;
      // Whoever found these pages hands them on again.
      await putAside(mending, name, why);
      continue;
    }
    await markPages(mending, name, pages, known);
    await countFrontier(road, name, pages);
    known.crawls.add(crawlJobId(name));
  }
  await mendCrawlReports(mending, known);
  return known;
}

/**
 * Marks the addresses that pages count as, and the pages of reports whose own are in no file any more. Damaged reports go out
 * of the way.
 */
async function mendCrawlReports(mending: Mending, known: KnownPages): Promise<void> {
  const { store } = mending.project;
  for await (const name of namesOf(store, "crawls/")) {
    const id = idIn("crawls/", name);
    if (id === null) continue;
    try {
      const { pages } = await readCrawl(store, id);
      if (!known.crawls.has(id)) await countLostFrontier(mending, id, pages);
      const canonical = pages.filter((page) => page.canonical !== null);
      await markPages(
        mending,
        name,
        [
          ...(known.crawls.has(id) ? [] : pages),
          ...canonical.map(({ canonical, source }) => ({ url: canonical ?? "", source })),
        ],
        known,
      );
    } catch (error) {
      const why = damageOf(error);
      if (why === null) throw error;
      await putAside(mending, name, why);
    }
  }
}

/** Pages whose file is gone count as found where their kind of source finds them: a search names pages, a site links to them. */
async function countLostFrontier(
  { project: { road, settings } }: Mending,
  crawl: string,
  pages: readonly { source: string }[],
): Promise<void> {
  const sites = new Set(settings.sources.flatMap(({ kind, name }) => (kind === "site" ? [name] : [])));
  const followed = pages.filter(({ source }) => sites.has(source));
  await countPages(road, crawl, "c", followed);
  await countPages(
    road,
    `${crawl}-x`,
    "x",
    pages.filter(({ source }) => !sites.has(source)),
  );
}

/** Puts back every crawl whose report is missing. */
export async function putBackCrawls({ project: { road, store }, mended }: Mending): Promise<void> {
  for await (const frontier of namesOf(store, "frontier/")) {
    const id = crawlJobId(frontier);
    if (idIn("frontier/", frontier) === null || (await store.stat(crawlFile(id))) !== null) continue;
    await road.add("crawler", [{ id, data: { frontier } }]);
    mended.jobs.crawl++;
  }
}

async function markPages(
  { project: { road } }: Mending,
  job: string,
  pages: readonly { url: string; source: string }[],
  { sources }: KnownPages,
): Promise<void> {
  const key = `mend-${job}`;
  await road.seenOnce(
    key,
    "pages",
    pages.map(({ url }) => urlKey(canonicalPageUrl(url))),
  );
  await road.forgetAnswer(key, "pages");
  for (const { source } of pages) sources.add(source);
}
