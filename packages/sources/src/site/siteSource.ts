import { type FrontierPage, type SiteScope, type SourceConfig, UserError } from "@pairloom/config";
import { parseHttpUrl } from "../parseHttpUrl.js";
import { shownTemplate } from "../search/searchTemplate.js";
import { inScope, scopeOf } from "./siteScope.js";

export type SiteSourceConfig = Extract<SourceConfig, { kind: "site" }>;

/** A site to be crawled whole: where it starts and which links belong to it. */
export interface SiteSource {
  name: string;
  scope: SiteScope;
  /**
   * The start page and its sitemaps: those of robots.txt (`Sitemap:` lines, handed in), else /sitemap.xml.
   * Sitemaps of other origins are left out: nobody vouches for them.
   */
  start(robotsSitemaps: readonly string[]): FrontierPage[];
}

/** @throws UserError "site_url_invalid" */
export function siteSource(config: SiteSourceConfig): SiteSource {
  const url = parseHttpUrl(config.url, null);
  if (url === null)
    throw new UserError(
      "site_url_invalid",
      `Expected an http(s) URL where the site starts, got "${shownTemplate(config.url)}"`,
      {
        hint: "Write it whole, like https://example.org/docs/",
      },
    );
  const scope = scopeOf(url, config.maxPages);
  const page = (to: string, kind: FrontierPage["kind"]): FrontierPage => ({
    url: to,
    source: config.name,
    scope: config.followLinks || kind === "sitemap" ? scope : null,
    kind,
  });
  return {
    name: config.name,
    scope,
    start(robotsSitemaps) {
      if (!config.useSitemaps) return [page(url, "page")];
      const named = robotsSitemaps
        .map((sitemap) => parseHttpUrl(sitemap, url))
        .filter((sitemap): sitemap is string => sitemap !== null && isSitemapOf(sitemap, scope));
      const sitemaps = named.length > 0 ? [...new Set(named)] : [new URL("/sitemap.xml", url).href];
      return [page(url, "page"), ...sitemaps.map((sitemap) => page(sitemap, "sitemap"))];
    },
  };
}

/** A sitemap may lie above the path prefix, but on the site's own origin. Its pages must still be in scope. */
export function isSitemapOf(url: string, scope: SiteScope): boolean {
  return inScope(url, { ...scope, pathPrefix: "/" });
}
