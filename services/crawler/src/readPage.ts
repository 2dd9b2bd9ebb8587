import type { CrawledPage, FrontierPage, WebSettings } from "@pairloom/config";
import { extractCandidates } from "@pairloom/extract";
import { inScope, isSitemapOf, parseSitemap } from "@pairloom/sources";
import { canonicalPageUrl, type Web } from "@pairloom/web";
import type { ReadPage } from "./crawlJob.js";

/** Reads one page or sitemap: never throws for what the web does, only for an abort. */
export async function readPage(
  web: Web,
  settings: WebSettings,
  page: FrontierPage,
  signal: AbortSignal,
): Promise<ReadPage> {
  const answer =
    page.kind === "sitemap"
      ? await web.getText(page.url, { checkRobots: true, signal })
      : await web.getPage(page.url, { signal });
  const row: CrawledPage = {
    url: page.url,
    source: page.source,
    status: "read",
    reason: null,
    httpStatus: answer.httpStatus,
    skipped: {},
    candidates: 0,
    canonical: null,
    follow: [],
  };
  if (answer.status !== "ok") {
    row.status = answer.status;
    row.reason = answer.reason;
    return { row, candidates: [] };
  }
  const follow = (urls: readonly string[], kind: FrontierPage["kind"]): FrontierPage[] =>
    urls
      .filter((url) => page.scope !== null && (kind === "sitemap" ? isSitemapOf : inScope)(url, page.scope))
      .map((url) => ({ url: canonicalPageUrl(url), source: page.source, scope: page.scope, kind }));

  if (page.kind === "sitemap") {
    const { source } = page;
    const sitemap = parseSitemap(answer.body.whole(), answer.finalUrl, { source, charset: answer.charset });
    row.follow = [...follow(sitemap.sitemaps, "sitemap"), ...follow(sitemap.pages, "page")];
    row.skipped = sitemap.skipped;
    row.candidates = sitemap.candidates.length;
    return { row, candidates: sitemap.candidates };
  }
  const found = extractCandidates({
    html: answer.body.whole(),
    url: answer.finalUrl,
    contentType: answer.contentType,
    headers: answer.headers,
    source: page.source,
    query: null,
    agentTokens: [settings.userAgentToken, ...settings.alsoObey],
    obeyOptOuts: settings.obeyOptOuts,
    ignoreOptOuts: settings.ignoreOptOuts,
    optOutDirectives: settings.optOutDirectives,
    optOuts: answer.optOuts,
  });
  // The URL that was asked for, not where redirects ended: the expansions speak of that one.
  const candidates = found.candidates.map((candidate) => ({ ...candidate, pageUrl: page.url }));
  row.skipped = found.skipped;
  row.candidates = found.candidates.length;
  row.canonical = found.canonical;
  row.follow = follow([...found.links, ...found.frames], "page");
  return { row, candidates };
}
