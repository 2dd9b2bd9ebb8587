import { inScope } from "@pairloom/sources";
import { canonicalPageUrl } from "@pairloom/web";
import type { FrontierPage } from "@pairloom/config";
import type { ReadPage } from "./crawlJob.js";
import { countsAs, idleParameters, withoutIdle, type NamedPage } from "./idleParameters.js";

/**
 * Makes one page of one that a site shows under many addresses: a page counts as the address that it calls its own
 * where that lies in the crawl, its candidates name that one, and links lose the parameters that the pages read here
 * show to be idle. Depends on these pages alone.
 *
 * @param frontier the pages that were asked for, in the same order; those found by a search keep the address by which
 *   the search knows them
 */
export function settleCanonicals(frontier: readonly FrontierPage[], read: readonly ReadPage[]): ReadPage[] {
  const named = new Map<string, NamedPage[]>();
  const nameOf = (at: number): NamedPage => {
    const { url, scope } = frontier[at]!;
    const { row, candidates } = read[at]!;
    const canonical = row.canonical === null ? null : canonicalPageUrl(row.canonical);
    const isOurs = canonical !== null && canonical !== url && scope !== null && inScope(canonical, scope);
    const content =
      candidates.length === 0
        ? ""
        : JSON.stringify(candidates.map(({ imageUrl, texts }) => [imageUrl, texts]));
    const links = row.follow.filter(({ kind }) => kind === "page").map((link) => link.url);
    return { url, canonical: isOurs ? canonical : null, links, content };
  };
  const all = read.map((_, at) => nameOf(at));
  all.forEach((page, at) => {
    const site = siteOf(frontier[at]!);
    named.set(site, [...(named.get(site) ?? []), page]);
  });
  const idle = new Map([...named].map(([site, pages]) => [site, idleParameters(pages)] as const));
  return read.map(({ row, candidates }, at) => {
    const ofSite = idle.get(siteOf(frontier[at]!))!;
    const { url, canonical } = all[at]!;
    const counted = canonical !== null && countsAs(url, canonical, ofSite) ? canonical : null;
    const links = new Map<string, FrontierPage>();
    for (const link of row.follow) {
      const to = link.kind === "page" ? canonicalPageUrl(withoutIdle(link.url, ofSite)) : link.url;
      links.set(`${link.kind} ${to}`, { ...link, url: to });
    }
    return {
      row: { ...row, canonical: counted, follow: [...links.values()] },
      candidates: counted === null ? candidates : candidates.map((found) => ({ ...found, pageUrl: counted })),
    };
  });
}

function siteOf({ scope }: FrontierPage): string {
  return JSON.stringify(scope);
}
