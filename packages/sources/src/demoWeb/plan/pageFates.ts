import type { Reason } from "@pairloom/config";

/** What becomes of a page of the demo web. */
export interface PageFate {
  /** How many at scale 1; 0: as many as its pictures need. */
  count: number;
  on: "site" | "shaky";
  /** "read", or why a correct crawler can't; one of these. */
  expected: readonly (Reason | "read")[];
}

const fate = (count: number, on: PageFate["on"], ...expected: PageFate["expected"]): PageFate => ({
  count,
  on,
  expected,
});

export const pageFates = {
  good: fate(0, "site", "read"),
  // read, but their pictures are not to be had
  page_meta_noai: fate(0, "site", "read"),
  page_header_noai: fate(0, "site", "read"),
  page_tdm_meta: fate(0, "site", "read"),
  page_moved: fate(4, "site", "read"),
  page_robots: fate(4, "site", "robots_disallowed"),
  page_404: fate(4, "site", "http_404"),
  page_500: fate(2, "shaky", "http_500"),
  page_reset: fate(2, "shaky", "connect_failed", "protocol_error"),
  page_never: fate(2, "shaky", "timeout"),
  page_loop: fate(2, "site", "redirect_limit"),
  page_private: fate(2, "site", "address_private"),
} as const satisfies Record<string, PageFate>;
export type PageFateName = keyof typeof pageFates;

/** Fates that a page lays on all its pictures; image fates of the same names count them. */
export const optOutPageFates = [
  "page_meta_noai",
  "page_header_noai",
  "page_tdm_meta",
] as const satisfies readonly PageFateName[];

export const brokenPageFates = [
  "page_moved",
  "page_robots",
  "page_404",
  "page_500",
  "page_reset",
  "page_never",
  "page_loop",
  "page_private",
] as const satisfies readonly PageFateName[];
