import type { Reason } from "@pairloom/config";
import type { DemoHost } from "./demoHosts.js";

/** What becomes of an image of the demo web, and why. */
export interface ImageFate {
  /** How many at scale 1. */
  count: number;
  /** Where the image file lies: beside its page, or on a host of this role. */
  on: "page" | DemoHost["role"];
  /** What a correct fetcher and release say of it; one of these. */
  expected: readonly (Reason | "kept")[];
}

const fate = (count: number, on: ImageFate["on"], ...expected: ImageFate["expected"]): ImageFate => ({
  count,
  on,
  expected,
});

/**
 * The closed list of image fates. `count` 0: counted elsewhere (`good` by combination, the others by page or double).
 * A double may be the one that is kept, where its original comes later in content order.
 */
export const imageFates = {
  good: fate(0, "page", "kept"),
  // good in the end: these are taken out of the good ones
  slow: fate(70, "slow", "kept"),
  calm: fate(8, "calm", "kept"),
  depot: fate(400, "cdn", "kept"),
  redirect_1: fate(30, "page", "kept"),
  redirect_2: fate(20, "page", "kept"),
  redirect_3: fate(15, "page", "kept"),
  redirect_host: fate(15, "page", "kept"),
  wrong_type: fate(20, "page", "kept"),
  gzip_good: fate(10, "page", "kept"),
  // doubles of good ones
  double_bytes: fate(320, "mirror", "duplicate_bytes", "kept"),
  double_reencoded: fate(200, "mirror", "duplicate_near", "kept"),
  double_resized: fate(200, "mirror", "duplicate_near", "kept"),
  placeholder: fate(36, "page", "placeholder"),
  uninformative: fate(120, "page", "caption_unusable", "kept"),
  // consent
  robots_path: fate(60, "page", "robots_disallowed"),
  robots_pattern: fate(20, "page", "robots_disallowed"),
  robots_agent: fate(10, "artists", "robots_disallowed"),
  robots_error: fate(40, "sealed", "robots_unreachable"),
  noai_header: fate(30, "artists", "optout_x_robots_tag"),
  noimageai_header: fate(30, "artists", "optout_x_robots_tag"),
  tdm_header: fate(20, "reserved", "optout_tdmrep"),
  tdm_file: fate(20, "reserved", "optout_tdmrep"),
  page_meta_noai: fate(24, "page", "optout_page_meta"),
  page_header_noai: fate(18, "page", "optout_page_header"),
  page_tdm_meta: fate(12, "page", "optout_tdmrep", "optout_page_meta"),
  // broken and hostile files
  truncated: fate(16, "page", "decode_truncated"),
  garbage: fate(8, "page", "decode_failed", "decode_truncated"),
  html_as_image: fate(16, "page", "not_an_image"),
  empty: fate(8, "page", "empty_body"),
  gzip_bomb: fate(4, "page", "inflated_too_large"),
  huge_header: fate(6, "page", "too_many_pixels"),
  svg_script: fate(8, "page", "format_refused"),
  oversize_declared: fate(2, "page", "too_large"),
  oversize_streamed: fate(2, "page", "too_large"),
  drip: fate(4, "shaky", "timeout"),
  // redirects that must not be followed
  redirect_loop: fate(6, "page", "redirect_limit"),
  redirect_many: fate(4, "page", "redirect_limit"),
  redirect_metadata: fate(6, "page", "address_private"),
  redirect_private: fate(6, "page", "address_private"),
  redirect_scheme: fate(4, "page", "url_scheme_refused"),
  literal_private: fate(4, "page", "address_private"),
  literal_port: fate(2, "page", "url_port_refused", "address_private"),
  // failures
  reset: fate(12, "shaky", "connect_failed", "protocol_error"),
  short_body: fate(6, "shaky", "protocol_error", "connect_failed", "decode_truncated"),
  never: fate(8, "shaky", "timeout"),
  dead_host: fate(6, "page", "connect_failed", "robots_unreachable"),
  http_401: fate(2, "page", "http_401"),
  http_403: fate(8, "page", "http_403"),
  http_404: fate(24, "page", "http_404"),
  http_410: fate(8, "page", "http_410"),
  http_418: fate(2, "page", "http_4xx"),
  http_500: fate(12, "shaky", "http_500"),
  http_502: fate(2, "shaky", "http_5xx"),
  http_503: fate(12, "shaky", "http_503"),
} as const satisfies Record<string, ImageFate>;

export type ImageFateName = keyof typeof imageFates;
export const imageFateNames = Object.keys(imageFates) as ImageFateName[];

/** Fates whose picture is one of the good ones, merely served in another way. */
export const goodFlavours = [
  "slow",
  "calm",
  "depot",
  "redirect_1",
  "redirect_2",
  "redirect_3",
  "redirect_host",
  "wrong_type",
  "gzip_good",
] as const satisfies readonly ImageFateName[];

export const doubleFates = [
  "double_bytes",
  "double_reencoded",
  "double_resized",
] as const satisfies readonly ImageFateName[];
