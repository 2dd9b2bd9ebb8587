import { createHash } from "node:crypto";
import { z } from "zod";

/** Where on a page (or in an API's answer) a text was found; the order is the order of trust for captions. */
export const textKinds = [
  "search", // a search API's own caption
  "alt",
  "figcaption",
  "jsonld", // schema.org ImageObject caption / description / name
  "title", // the img element's title attribute
  "aria", // aria-label, aria-describedby
  "og", // og:image:alt, og:title + og:description
  "anchor", // text of the link that leads to the full-size image
  "neighbour", // the caption-like paragraph beside the image
  "sitemap", // image:caption, image:title of an image sitemap
  "list", // the caption column of a URL list
  "page_title", // the page's title: last resort
] as const;
export type TextKind = (typeof textKinds)[number];

export const describedText = z.strictObject({
  kind: z.enum(textKinds),
  text: z.string().min(1),
});
/** One text that describes an image, and where it stood. */
export type DescribedText = z.infer<typeof describedText>;

export const candidateSchema = z.strictObject({
  /** Absolute http(s) URL of the image as found (fragment removed). */
  imageUrl: z.string().min(1),
  /** Every text that describes the image here, in `textKinds` order; at least one. */
  texts: z.array(describedText).min(1),
  /** The page that shows the image; null where a source names images directly. */
  pageUrl: z.string().nullable(),
  /** The query that led here; null for a site crawl or a bare list. */
  query: z.string().nullable(),
  /** Name of the source, e.g. "demo-search", "site", "list". */
  source: z.string().min(1),
  /** Licence as stated by the page or API (URL or SPDX name), or null. */
  licence: z.string().nullable(),
  /** BCP 47 language of the texts as stated by the page, or null. */
  language: z.string().nullable(),
  /** Opt-outs stated by the page that apply to this image; a candidate with any is refused, not fetched. */
  optOuts: z.array(z.string()),
});
/** An image URL with the texts that speak of it: what expander and crawler hand to the fetcher. */
export type Candidate = z.infer<typeof candidateSchema>;

/** Identity of a candidate: 32 hex digits of the sha256 of its JSON in fixed key order. Equal candidates are one. */
export function candidateId(candidate: Candidate): string {
  const { imageUrl, texts, pageUrl, query, source, licence, language, optOuts } = candidate;
  const canonical = JSON.stringify([
    imageUrl,
    texts.map(({ kind, text }) => [kind, text]),
    pageUrl,
    query,
    source,
    licence,
    language,
    optOuts,
  ]);
  return createHash("sha256").update(canonical).digest("hex").slice(0, 32);
}

/** Each candidate once, the first of equal ones, in their order: equal candidates say the same of the same image. */
export function distinctCandidates(candidates: readonly Candidate[]): Candidate[] {
  const byId = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const id = candidateId(candidate);
    if (!byId.has(id)) byId.set(id, candidate);
  }
  return [...byId.values()];
}
