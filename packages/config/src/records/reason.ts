/**
 * The closed list of reasons why a candidate is not in a release. Every row that is not kept has exactly one.
 * `stage`: who says it. `passes`: the reason may pass by itself, so `--retry-failed` fetches the row again.
 */
export const reasons = {
  // fetcher: the list
  row_malformed: {
    stage: "fetch",
    passes: false,
    says: "the list's row is not of the list's form (another number of fields than the header, no JSON)",
  },
  // fetcher: the URL
  url_invalid: { stage: "fetch", passes: false, says: "not an absolute http(s) URL" },
  url_scheme_refused: { stage: "fetch", passes: false, says: "a scheme other than http and https" },
  url_port_refused: { stage: "fetch", passes: false, says: "a port that is not on the list" },
  address_private: {
    stage: "fetch",
    passes: false,
    says: "a private or special address that is not allowed",
  },
  // fetcher: consent
  robots_disallowed: { stage: "fetch", passes: false, says: "robots.txt forbids it" },
  robots_unreachable: {
    stage: "fetch",
    passes: true,
    says: "robots.txt could not be read, so it counts as no",
  },
  optout_page_meta: { stage: "fetch", passes: false, says: "the page's meta robots opts out" },
  optout_page_header: { stage: "fetch", passes: false, says: "the page's X-Robots-Tag opts out" },
  optout_x_robots_tag: { stage: "fetch", passes: false, says: "the image's X-Robots-Tag opts out" },
  optout_tdmrep: { stage: "fetch", passes: false, says: "TDM reservation (tdmrep) opts out" },
  optout_ai_txt: { stage: "fetch", passes: false, says: "ai.txt opts out" },
  optout_content_usage: { stage: "fetch", passes: false, says: "Content-Usage opts out" },
  // fetcher: the network
  dns_not_found: { stage: "fetch", passes: false, says: "the host name does not exist" },
  dns_failed: { stage: "fetch", passes: true, says: "the name server did not answer" },
  connect_failed: { stage: "fetch", passes: true, says: "no connection (refused, unreachable, reset)" },
  tls_untrusted: {
    stage: "fetch",
    passes: false,
    says: "a certificate that no authority we trust has signed (self-signed, or a gap in the chain)",
  },
  tls_expired: { stage: "fetch", passes: false, says: "a certificate that has expired, or is not valid yet" },
  tls_wrong_host: { stage: "fetch", passes: false, says: "a certificate for another host" },
  tls_failed: { stage: "fetch", passes: false, says: "another failure of the TLS handshake" },
  timeout: { stage: "fetch", passes: true, says: "the wall clock ran out" },
  protocol_error: { stage: "fetch", passes: true, says: "the answer is not HTTP, or broke off" },
  redirect_limit: { stage: "fetch", passes: false, says: "too many redirects, or a loop" },
  host_set_aside: { stage: "fetch", passes: true, says: "the host kept failing and was set aside" },
  // fetcher: the answer
  http_400: { stage: "fetch", passes: false, says: "400" },
  http_401: { stage: "fetch", passes: false, says: "401" },
  http_403: { stage: "fetch", passes: false, says: "403" },
  http_404: { stage: "fetch", passes: false, says: "404" },
  http_410: { stage: "fetch", passes: false, says: "410" },
  http_429: { stage: "fetch", passes: true, says: "429 after every retry" },
  http_4xx: { stage: "fetch", passes: false, says: "another 4xx" },
  http_500: { stage: "fetch", passes: true, says: "500 after every retry" },
  http_503: { stage: "fetch", passes: true, says: "503 after every retry" },
  http_5xx: { stage: "fetch", passes: true, says: "another 5xx after every retry" },
  http_other: { stage: "fetch", passes: false, says: "a status that carries no image (1xx, 204, 304 …)" },
  coding_refused: { stage: "fetch", passes: false, says: "a content coding that can't be undone here" },
  empty_body: { stage: "fetch", passes: false, says: "no bytes" },
  too_large: { stage: "fetch", passes: false, says: "more bytes on the wire than allowed" },
  inflated_too_large: { stage: "fetch", passes: false, says: "more bytes after decompression than allowed" },
  hash_mismatch: {
    stage: "fetch",
    passes: false,
    says: "the bytes are not those that the list's hash names",
  },
  // fetcher: the picture
  not_an_image: { stage: "fetch", passes: false, says: "the bytes are no picture that is known" },
  format_refused: { stage: "fetch", passes: false, says: "a picture format that is switched off (SVG, …)" },
  too_many_pixels: { stage: "fetch", passes: false, says: "more pixels than allowed, by the header" },
  decode_truncated: { stage: "fetch", passes: false, says: "the picture's bytes end too early" },
  decode_failed: { stage: "fetch", passes: false, says: "the picture is broken" },
  decode_crashed: { stage: "fetch", passes: true, says: "the decoder died of it, alone with it" },
  decode_timeout: { stage: "fetch", passes: true, says: "decoding took longer than allowed" },
  too_small: { stage: "fetch", passes: false, says: "a side shorter than the minimum" },
  aspect_ratio: { stage: "fetch", passes: false, says: "longer and thinner than allowed" },
  // doubles
  duplicate_url: { stage: "dedupe", passes: false, says: "the same canonical URL as KEY" },
  duplicate_bytes: { stage: "dedupe", passes: false, says: "the same bytes (sha256) as KEY" },
  duplicate_near: { stage: "dedupe", passes: false, says: "PDQ distance within the radius of KEY" },
  duplicate_pair: { stage: "dedupe", passes: false, says: "the same picture with the same caption as KEY" },
  placeholder: { stage: "dedupe", passes: false, says: "one picture behind many unrelated URLs" },
  blocklisted: { stage: "dedupe", passes: false, says: "on the operator's blocklist" },
  contaminated: { stage: "dedupe", passes: false, says: "too near an evaluation set" },
  // release
  caption_unusable: {
    stage: "release",
    passes: false,
    says: "no text that describes (file names, boilerplate)",
  },
  caption_repeated: { stage: "release", passes: false, says: "the caption was seen too often" },
  held_out: { stage: "release", passes: false, says: "a hold-out rule keeps it for evaluation" },
  not_held_out: {
    stage: "release",
    passes: false,
    says: "this release holds only what a hold-out rule keeps for evaluation",
  },
  query_cap: { stage: "release", passes: false, says: "its queries have their fill" },
} as const satisfies Record<string, { stage: "fetch" | "dedupe" | "release"; passes: boolean; says: string }>;

export type Reason = keyof typeof reasons;
export type Stage = (typeof reasons)[Reason]["stage"];

export const reasonNames = Object.keys(reasons) as [Reason, ...Reason[]];

/** True where fetching the URL again later may succeed. */
export function mayPass(reason: Reason): boolean {
  return reasons[reason].passes;
}

/** The reason for an HTTP status that is not a success. */
export function reasonOfHttpStatus(status: number): Reason {
  const exact = `http_${status}`;
  if (exact in reasons) return exact as Reason;
  if (status >= 400 && status < 500) return "http_4xx";
  if (status >= 500 && status < 600) return "http_5xx";
  return "http_other";
}
