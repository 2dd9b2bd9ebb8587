import { z } from "zod";

/** Which links of a site are followed: same origin, path below the prefix. Null: none. */
export const siteScope = z.strictObject({
  origin: z.string().min(1),
  pathPrefix: z.string().min(1),
  maxPages: z.int().min(1),
});
export type SiteScope = z.infer<typeof siteScope>;

/**
 * A page to read: one line of `frontier/<id>.jsonl.gz`. It names no query: several may lead to one page, and which
 * came first is chance. The expansions say which queries lead where; the release joins them.
 */
export const frontierPage = z.strictObject({
  url: z.string().min(1),
  source: z.string().min(1),
  scope: siteScope.nullable(),
  /** "sitemap": the body is a sitemap or sitemap index, not a page. */
  kind: z.enum(["page", "sitemap"]),
});
export type FrontierPage = z.infer<typeof frontierPage>;

/** What became of one page. */
export const crawledPage = z.strictObject({
  url: z.string(),
  source: z.string(),
  status: z.enum(["read", "refused", "failed"]),
  /** A `Reason` where not read. */
  reason: z.string().nullable(),
  httpStatus: z.int().nullable(),
  /** Images without a text, tracking pixels and the like, counted by name. */
  skipped: z.record(z.string(), z.int()),
  candidates: z.int(),
  /** The address of the site that the page counts as (its rel=canonical); null where it counts as its own alone. */
  canonical: z.string().nullable().default(null),
  /** Pages, frames and sitemaps to follow (scope applied). */
  follow: z.array(frontierPage),
});
export type CrawledPage = z.infer<typeof crawledPage>;

/** What one source said to one query. */
export const expandedQuery = z.strictObject({
  query: z.string(),
  source: z.string(),
  pages: z.array(z.string()),
  /** Image URLs that the source named itself. */
  images: z.array(z.string()),
  failures: z.array(z.string()),
});
export type ExpandedQuery = z.infer<typeof expandedQuery>;

/** Where a job's candidates lie: named after their content, so that of two runs of a job each keeps its own until one is committed. */
const candidatesFile = z.strictObject({ id: z.string().nullable(), count: z.int() });

/** `crawls/<job>.jsonl.gz`, one line: the commit point of a crawl job. */
export const crawlReport = z.strictObject({ candidates: candidatesFile, pages: z.array(crawledPage) });
export type CrawlReport = z.infer<typeof crawlReport>;

/** `expansions/<job>.jsonl.gz`, one line: the commit point of an expand job. */
export const expandReport = z.strictObject({ candidates: candidatesFile, queries: z.array(expandedQuery) });
export type ExpandReport = z.infer<typeof expandReport>;
