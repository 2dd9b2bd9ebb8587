import type { Headers } from "@pairloom/web";

/** One link of a Link header that names the canonical address (RFC 8288, RFC 6596). */
const canonicalLink =
  /<([^<>]{1,8192})>\s*;(?:[^,"]|"[^"]*"){0,200}?\brel\s*=\s*(?:"[^"]*\bcanonical\b[^"]*"|canonical\b)/gi;

/**
 * The address that a page calls its own (rel=canonical in its head or its headers): absolute, http(s), without fragment;
 * null where none or several are named.
 */
export function canonicalAddress(
  hrefs: readonly string[],
  baseUrl: string,
  headers: Headers,
  pageUrl: string,
): string | null {
  const said = [headers["link"] ?? []].flat().join(", ").slice(0, 20_000);
  const named = new Set([
    ...hrefs.map((href) => absolute(href, baseUrl)),
    ...[...said.matchAll(canonicalLink)].map(([, target]) => absolute(target ?? "", pageUrl)),
  ]);
  const [only = null] = named;
  return named.size === 1 ? only : null;
}

function absolute(href: string, base: string): string | null {
  if (href.trim() === "" || !URL.canParse(href, base)) return null;
  const url = new URL(href, base);
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  url.hash = "";
  return url.href.length > 8192 ? null : url.href;
}
