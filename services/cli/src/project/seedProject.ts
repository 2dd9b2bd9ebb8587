import { createHash } from "node:crypto";
import type { ProjectSettings } from "@pairloom/config";
import { UserError } from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { addFrontierJobs, searchSource, siteSource } from "@pairloom/sources";
import { publishLines, type Store } from "@pairloom/storage";
import { canonicalPageUrl, openWeb } from "@pairloom/web";

interface Seedable {
  road: Road;
  store: Store;
  settings: ProjectSettings;
}

/** Refuses settings that can't answer queries; asked before they are written. @throws UserError "no_source", or of a wrong template */
export function checkQuerySources(settings: ProjectSettings): void {
  const sources = settings.sources.filter((source) => source.kind === "search");
  if (sources.length === 0)
    throw new UserError("no_source", "No source is switched on that answers queries", {
      hint: "Name one with --search 'https://…?q={query}&offset={offset}&limit={limit}', or crawl a site with --site URL.",
    });
  sources.forEach((source) => searchSource(source)); // refuses a wrong template here, not hours later
}

/** Puts a query list on the road: one expand job for each chunk. Doing it again changes nothing. */
export async function seedQueries(
  { road, store, settings }: Seedable,
  queries: readonly string[],
): Promise<{ list: string; jobs: number }> {
  checkQuerySources(settings);
  const list = createHash("sha256").update(JSON.stringify(queries)).digest("hex").slice(0, 16);
  const name = `queries/${list}.jsonl.gz`;
  await publishLines(
    store,
    name,
    queries.map((query) => ({ query })),
  );
  const jobs = [];
  for (let from = 0; from < queries.length; from += settings.expandChunk)
    jobs.push(expandJobOf(list, { from, to: Math.min(from + settings.expandChunk, queries.length) }));
  await road.add("expander", jobs);
  return { list: name, jobs: jobs.length };
}

/** The expand job for queries `from` to `to` of a list. */
export const expandJobOf = (list: string, { from, to }: { from: number; to: number }) => ({
  id: `x-${list}-${from}`,
  data: { queries: `queries/${list}.jsonl.gz`, from, to },
});

/** Puts a site on the road: its start page and its sitemaps. Doing it again changes nothing. */
export async function seedSite(
  { road, store, settings }: Seedable,
  sourceName: string,
  robotsSitemaps: readonly string[],
): Promise<void> {
  const config = settings.sources.find((source) => source.kind === "site" && source.name === sourceName);
  if (config?.kind !== "site") throw new Error(`there is no site source named ${sourceName}`);
  const pages = siteSource(config)
    .start(robotsSitemaps)
    .map((page) => ({ ...page, url: canonicalPageUrl(page.url) }));
  const job = `site-${createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 16)}`;
  await addFrontierJobs(road, store, job, pages, canonicalPageUrl, settings.crawlChunk);
  await road.forgetAnswer(job, "pages");
}

/**
 * Asks whether a site's start page can be crawled, and which sitemaps its robots.txt names.
 * @throws UserError "site_unreachable" with the reason
 */
export async function lookAtSite(url: string, settings: ProjectSettings): Promise<string[]> {
  const web = openWeb({ settings: settings.web });
  try {
    const answer = await web.getPage(url);
    if (answer.status !== "ok")
      throw new UserError("site_unreachable", `${url} can't be crawled: ${answer.reason}`, {
        hint:
          answer.reason === "address_private"
            ? "If the address is yours, list it: --allow-private 127.0.0.0/8 (or the block it is in)."
            : `${answer.errorMessage}. With --no-check it is put on the road all the same.`,
      });
    const robots = await web.getRobots(url);
    return robots.status === "rules" ? robots.robots.sitemaps : [];
  } finally {
    await web.close();
  }
}
