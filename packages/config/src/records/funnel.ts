import { reasons, type Reason } from "./reason.js";

/** The road in numbers, from query to kept pair; `seen` = fetched + refused + duplicates.url + in work. */
export interface Funnel {
  queries: number;
  pages: { found: number; read: number; notRead: Record<string, number> };
  /** Candidates handed to the fetcher. */
  seen: number;
  fetched: number;
  /** Candidates that were not fetched or not usable, by reason (doubles are apart). */
  refused: Partial<Record<Reason, number>>;
  /** Doubles by layer; all but `url` are provisional until the release decides. */
  duplicates: { url: number; bytes: number; near: number; other: number };
  /** Provisional, like `duplicates`. */
  kept: number;
  bytes: number;
  failures: number;
}

/** Reads the road's raw counters (`stage.field[.reason]`). */
export function funnelOf(raw: Readonly<Record<string, number>>): Funnel {
  const funnel: Funnel = {
    queries: raw["expander.queries"] ?? 0,
    pages: { found: raw["expander.pages_found"] ?? 0, read: raw["crawler.read"] ?? 0, notRead: {} },
    seen: raw["fetcher.candidates"] ?? 0,
    fetched: raw["fetcher.fetched"] ?? 0,
    refused: {},
    duplicates: { url: 0, bytes: 0, near: 0, other: 0 },
    kept: raw["deduper.kept"] ?? 0,
    bytes: raw["fetcher.bytes"] ?? 0,
    failures: raw["expander.failures"] ?? 0,
  };
  funnel.pages.found += raw["crawler.pages_followed"] ?? 0;
  for (const [name, count] of Object.entries(raw)) {
    const notRead = /^crawler\.not_read\.(.+)$/.exec(name)?.[1];
    if (notRead !== undefined) funnel.pages.notRead[notRead] = count;
    const refused = /^fetcher\.refused\.(.+)$/.exec(name)?.[1];
    if (refused === "duplicate_url") funnel.duplicates.url = count;
    else if (refused !== undefined && refused in reasons) funnel.refused[refused as Reason] = count;
    const double = /^deduper\.duplicate\.(.+)$/.exec(name)?.[1];
    if (double === "duplicate_bytes") funnel.duplicates.bytes = count;
    else if (double === "duplicate_near") funnel.duplicates.near = count;
    else if (double !== undefined) funnel.duplicates.other += count;
  }
  return funnel;
}
