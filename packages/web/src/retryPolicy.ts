import type { Reason } from "@pairloom/config";

/** Network trouble and answers that the next try may not meet. */
const transient: ReadonlySet<Reason> = new Set<Reason>([
  "dns_failed",
  "connect_failed",
  "timeout",
  "protocol_error",
  "http_429",
  "http_500",
  "http_503",
]);

/** True where asking again soon may help: never for a 404, a refusal or a dead name. */
export function isTransient(reason: Reason, httpStatus: number | null): boolean {
  return transient.has(reason) || httpStatus === 502 || httpStatus === 504;
}

/** Exponential backoff with full jitter: anything from 0 to base·2^attempt (attempt from 0), capped. */
export function backoffMs(baseMs: number, attempt: number, random: () => number, capMs = 60_000): number {
  return random() * Math.min(capMs, baseMs * 2 ** attempt);
}

/** Retry-After (RFC 9110 §10.2.3) in ms from now: seconds or an HTTP date; null where absent or senseless. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // RFC 9110 §5.6.7: IMF-fixdate and RFC 850's form name GMT, asctime's form means it.
  const asctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} /.test(text);
  if (!asctime && !/^[A-Z][a-z]+, .*GMT$/.test(text)) return null;
  const at = Date.parse(asctime ? `${text} GMT` : text);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
