import type { Candidate } from "@pairloom/config";

/** What asking for a URL gave: the answers of `Web.getText` fit. */
export type GetAnswer =
  | { status: "ok"; body: Uint8Array; finalUrl?: string }
  | { status: "failed" | "refused"; reason: string; errorMessage?: string };

/** HTTP as sources see it. Rejects only for the caller's own abort. */
export type Get = (url: string, signal: AbortSignal) => Promise<GetAnswer>;

export interface ExpandLimits {
  /** Pages and candidates together. */
  maxCandidates: number;
  signal: AbortSignal;
}

/** What a source knows of a query. */
export interface Expansion {
  /** Pages to read, absolute URLs, each once. */
  pages: string[];
  /** Images that the source names itself, with its texts. */
  candidates: Candidate[];
  /** What went wrong or was passed over, a line each, for people; what was found before it is kept. */
  failures: string[];
}

/** A place that answers queries: a search API, an index of the web. */
export interface Source {
  name: string;
  /** Never throws for what the other side does; rejects for the caller's own abort. */
  expand(query: string, get: Get, limits: ExpandLimits): Promise<Expansion>;
}
