import { reasonOfHttpStatus, type Reason } from "@pairloom/config";
import type { Hold } from "./clock/hostGate.js";
import { escapedBytes } from "./escapedBytes.js";
import { one, type Exchanged, type Headers } from "./exchange/exchange.js";
import type { OptOut } from "./optouts/headerOptOut.js";
import { mediaType, webNo, type WebAnswer, type WebNo } from "./webAnswer.js";

export type ErrandKind = "page" | "image" | "text" | "site_file";

/** What is fetched and how. */
export interface Errand {
  kind: ErrandKind;
  accept: string;
  acceptEncoding: string;
  checkRobots: boolean;
  maxBytes: number;
  cutBody: boolean;
  maxRedirects: number;
  signal: AbortSignal | null;
  hold: Hold | null;
}

/** How each kind is asked for. Pictures are better sent as they are: their formats compress already. */
export const asking: Record<ErrandKind, Pick<Errand, "accept" | "acceptEncoding" | "checkRobots">> = {
  page: {
    accept: "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5",
    acceptEncoding: "gzip, deflate, br",
    checkRobots: true,
  },
  image: {
    accept: "image/*,*/*;q=0.5",
    acceptEncoding: "identity, gzip;q=0.5, deflate;q=0.5, br;q=0.5",
    checkRobots: true,
  },
  text: { accept: "*/*", acceptEncoding: "gzip, deflate, br", checkRobots: false },
  site_file: { accept: "text/plain,*/*;q=0.5", acceptEncoding: "gzip, deflate, br", checkRobots: false },
};

/**
 * True where an answer carries what was asked for: any 2xx with a body, as in browsers. A part (206), which was not
 * asked for, is only good where it is the whole.
 */
export function isSuccess(httpStatus: number, headers: Headers): boolean {
  if (httpStatus === 206) return isWholeRange(one(headers["content-range"]));
  return httpStatus >= 200 && httpStatus < 300 && httpStatus !== 204 && httpStatus !== 205;
}

/** "bytes 0-99/100" and "bytes 0-99/*"; what says nothing of the kind is taken at its bytes. */
function isWholeRange(range: string | undefined): boolean {
  const [, first, last, size] = /^\s*bytes\s+(\d+)-(\d+)\/(\d+|\*)\s*$/i.exec(range ?? "") ?? [];
  return first === undefined || (Number(first) === 0 && (size === "*" || Number(last) + 1 === Number(size)));
}

const redirects: ReadonlySet<number> = new Set([300, 301, 302, 303, 307, 308]);

/**
 * The absolute target of a redirect, as text (it is judged by the next hop), or null. Two Locations that differ lead
 * nowhere, as in browsers.
 */
export function redirectOf(exchanged: Exchanged, base: URL): string | null {
  if (!exchanged.ok || !redirects.has(exchanged.httpStatus)) return null;
  const [location = "", ...others] = new Set([exchanged.headers.location ?? []].flat());
  if (location === "" || others.length > 0) return null;
  // Header values come as Latin-1, one character a byte.
  const escaped = escapedBytes(location);
  try {
    return new URL(escaped, base).href;
  } catch {
    return escaped;
  }
}

/** What an exchange comes to for whoever asked. */
export function answerOf(
  exchanged: Exchanged,
  url: URL,
  errand: Errand,
  optOuts: readonly OptOut[],
): WebAnswer {
  const finalUrl = url.href;
  if (!exchanged.ok) {
    const { reason, errorMessage, httpStatus } = exchanged;
    return webNo(reason, errorMessage, { httpStatus, finalUrl });
  }
  const { httpStatus, headers, body } = exchanged;
  if (!isSuccess(httpStatus, headers))
    return no(reasonOfHttpStatus(httpStatus), statusText(httpStatus, headers));
  if (body === null || (body.length === 0 && (errand.kind === "image" || errand.kind === "page"))) {
    return no("empty_body", "no bytes");
  }
  const [contentType, charset] = mediaType(headers["content-type"]);
  const reasons = [...new Set(optOuts.map(({ reason }) => reason))];
  return { status: "ok", body, finalUrl, httpStatus, headers, contentType, charset, optOuts: reasons };

  function no(reason: Reason, errorMessage: string): WebNo {
    return webNo(reason, errorMessage, { httpStatus, finalUrl });
  }
}

function statusText(httpStatus: number, headers: Headers): string {
  if (httpStatus === 206)
    return `HTTP 206: ${one(headers["content-range"]) ?? ""} of a whole that was asked for`;
  const isTorn = redirects.has(httpStatus) && Array.isArray(headers.location);
  return `HTTP ${httpStatus}${isTorn ? " with Locations that differ" : ""}`;
}
