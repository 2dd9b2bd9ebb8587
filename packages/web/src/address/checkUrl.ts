import type { Reason } from "@pairloom/config";

export type CheckedUrl = { ok: true; url: URL } | { ok: false; reason: Reason; errorMessage: string };

const maxUrlCharacters = 8192;

/**
 * What can be said of a URL before its name is resolved: absolute, http or https, no user or password, a host.
 * The fragment is dropped, and so is the host's trailing dot; every spelling of an IPv4 literal (decimal, octal, hex,
 * shortened) becomes four decimals by the WHATWG parser.
 */
export function checkUrl(text: string): CheckedUrl {
  if (text.length > maxUrlCharacters) {
    return refused("url_invalid", `longer than ${maxUrlCharacters} characters`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return refused("url_invalid", "not an absolute URL");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return refused("url_scheme_refused", `scheme "${url.protocol.slice(0, -1)}"`);
  }
  if (url.username !== "" || url.password !== "") return refused("url_invalid", "a user name or password");
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.replace(/\.+$/, "");
  if (url.hostname === "" || url.hostname.endsWith(".")) return refused("url_invalid", "no host");
  if (url.href.includes("#")) url.hash = "";
  return { ok: true, url };
}

/** The port a URL names or implies. */
export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/** The host without the brackets of an IPv6 literal. */
export function bareHost(url: URL): string {
  return url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
}

function refused(reason: Reason, errorMessage: string): CheckedUrl {
  return { ok: false, reason, errorMessage };
}
