import type { ExpandedQuery, SegmentRow } from "@pairloom/config";
import { sortedOnce } from "../byteOrder.js";
import { withoutFragment } from "./barred.js";

/** Which queries led to which page or image: what the expansions say. */
export type Association = Pick<ExpandedQuery, "query" | "pages" | "images">;

/** Finds the queries that a text contains, e.g. a `QueryMatcher`. */
export interface TextQueries {
  match(text: string): Iterable<string>;
}

/**
 * Every query that a set of rows answers: those that led to it, those that led to its pages or images, and those
 * that its texts contain. Each once, in byte order.
 */
export function queryFinder(
  associations: Iterable<Association>,
  textQueries: TextQueries | null,
): (rows: readonly SegmentRow[]) => string[] {
  const byUrl = new Map<string, string[]>();
  for (const { query, pages, images } of associations) {
    for (const url of [...pages, ...images]) {
      const key = withoutFragment(url);
      const known = byUrl.get(key);
      if (known) known.push(query);
      else byUrl.set(key, [query]);
    }
  }
  return (rows) => {
    const queries = new Set<string>();
    const texts = new Set<string>();
    for (const row of rows) {
      if (row.query !== null) queries.add(row.query);
      for (const url of [row.pageUrl, row.imageUrl, row.canonicalUrl]) {
        if (url !== null) for (const query of byUrl.get(withoutFragment(url)) ?? []) queries.add(query);
      }
      if (textQueries) for (const { text } of row.texts) texts.add(text);
    }
    if (textQueries)
      for (const text of texts) for (const query of textQueries.match(text)) queries.add(query);
    return sortedOnce(queries);
  };
}
