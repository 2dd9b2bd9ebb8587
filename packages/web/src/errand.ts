import { reasonOfHttpStatus, type Reason } from "@pairloom/config";
import type { Hold } from "./clock/hostGate.js";
import { one, type Exchanged } from "./exchange/exchange.js";
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

/** The statuses that carry what was asked for. */
export function isSuccess(httpStatus: number): boolean {
  return httpStatus === 200 || httpStatus === 203;
}

/** The absolute target of a redirect, as text (it is judged by the next hop), or null. */
export function redirectOf(exchanged: Exchanged, base: URL): string | null {
  if (!exchanged.ok || ![301, 302, 303, 307, 308].includes(exchanged.httpStatus)) return null;
  const location = one(exchanged.headers.location);
  if (location === undefined || location === "") return null;
  try {
    return new URL(location, base).href;
  } catch {
    return location;
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
  if (!isSuccess(httpStatus)) return no(reasonOfHttpStatus(httpStatus), `HTTP ${httpStatus}`);
  if (body === null || (body.length === 0 && (errand.kind === "image" || errand.kind === "page"))) {
    return no("empty_body", "no bytes");
  }
  const [contentType, charset] = mediaType(one(headers["content-type"]));
  const reasons = [...new Set(optOuts.map(({ reason }) => reason))];
  return { status: "ok", body, finalUrl, httpStatus, headers, contentType, charset, optOuts: reasons };

  function no(reason: Reason, errorMessage: string): WebNo {
    return webNo(reason, errorMessage, { httpStatus, finalUrl });
  }
}
