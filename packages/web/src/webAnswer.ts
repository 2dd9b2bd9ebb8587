import type { Reason } from "@pairloom/config";
import type { Body } from "./exchange/body.js";
import type { Headers } from "./exchange/exchange.js";

/** An answer with a body. */
export interface WebOk {
  status: "ok";
  body: Body;
  /** Where the last redirect led. */
  finalUrl: string;
  httpStatus: number;
  headers: Headers;
  /** Media type in lower case without parameters, or null. */
  contentType: string | null;
  /** The charset parameter of Content-Type in lower case, or null. */
  charset: string | null;
  /** Pages only: opt-outs stated by the page's headers and its site's files; they hold for every image on it. */
  optOuts: Reason[];
}

/** No body: we refused (a rule of ours or the site's), or it failed (network, HTTP). */
export interface WebNo {
  status: "refused" | "failed";
  reason: Reason;
  /** A line for a person. */
  errorMessage: string;
  httpStatus: number | null;
  /** The URL that was refused or failed; null where nothing was asked. */
  finalUrl: string | null;
}

export type WebAnswer = WebOk | WebNo;

const failures: ReadonlySet<Reason> = new Set<Reason>([
  "dns_not_found",
  "dns_failed",
  "connect_failed",
  "tls_untrusted",
  "tls_expired",
  "tls_wrong_host",
  "tls_failed",
  "timeout",
  "protocol_error",
  "empty_body",
]);

/** Builds a refusal or failure; which of the two follows from the reason. */
export function webNo(
  reason: Reason,
  errorMessage: string,
  at: { httpStatus?: number | null; finalUrl?: string | null } = {},
): WebNo {
  const status = failures.has(reason) || reason.startsWith("http_") ? "failed" : "refused";
  return { status, reason, errorMessage, httpStatus: at.httpStatus ?? null, finalUrl: at.finalUrl ?? null };
}

/**
 * "text/html; charset=UTF-8" → ["text/html", "utf-8"]. Of several values the last that is a type counts, and the charset
 * of one before it of the same type (Fetch standard, extract a MIME type).
 */
export function mediaType(
  header: string | string[] | undefined,
): [type: string | null, charset: string | null] {
  let type: string | null = null;
  let charset: string | null = null;
  for (const value of [header ?? []].flat().flatMap((line) => line.match(/(?:"[^"]*"?|[^",])+/g) ?? [])) {
    const [essence = "", ...parameters] = value.split(";");
    const found = essence.trim().toLowerCase();
    if (!/^[^\s/]+\/[^\s/]+$/.test(found) || found === "*/*") continue;
    const named = parameters
      .map((parameter) => /^\s*charset\s*=\s*["']?\s*([^"'\s]+)/i.exec(parameter)?.[1])
      .find((name) => name !== undefined);
    charset = named?.toLowerCase() ?? (found === type ? charset : null);
    type = found;
  }
  return [type, charset];
}
