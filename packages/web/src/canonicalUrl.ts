/** Query parameters that say where a visitor came from and never what is shown. */
const tracking =
  /^(utm_[a-z_]+|gclid|gclsrc|dclid|gbraid|wbraid|fbclid|msclkid|yclid|twclid|ttclid|li_fat_id|igshid|mc_cid|mc_eid|_hsenc|_hsmi|mkt_tok|vero_id|oly_anon_id|oly_enc_id|s_cid|wickedid)$/i;

const hexDigit = /^[0-9a-fA-F]$/;
const unreserved = /^[A-Za-z0-9\-._~]$/;

/**
 * %41 → A, %2f → %2F: escapes of unreserved characters are undone, the others get capital digits (RFC 3986 §6.2.2).
 * What undoing one escape completes ("%%341" → "%41") is undone as well, in one pass: an escape is looked for
 * wherever a character is put down.
 */
export function normalisePercentEncoding(text: string): string {
  if (!text.includes("%")) return text;
  const out: string[] = [];
  for (const character of text) {
    let put = character;
    while (out.length >= 2 && out.at(-2) === "%" && hexDigit.test(put) && hexDigit.test(out.at(-1) ?? "")) {
      const escape = `${out.at(-1)}${put}`.toUpperCase();
      out.length -= 2;
      put = String.fromCharCode(parseInt(escape, 16));
      if (!unreserved.test(put)) put = `%${escape}`;
    }
    out.push(put);
  }
  return out.join("");
}

function nameOf(parameter: string): string {
  const name = parameter.split("=", 1)[0] ?? "";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * One spelling for URLs that name the same thing (RFC 3986 §6.2, WHATWG URL): scheme and host in lower case, the host
 * in punycode without a trailing dot, no default port, dot segments resolved, escapes normalised, fragment and
 * tracking parameters dropped; the order of the query is kept. What cannot be parsed is returned trimmed.
 */
export function canonicalUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return text.trim();
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return url.href;
  // Setters parse anew, so they are used where there is something to set.
  if (url.href.includes("#")) url.hash = "";
  if (url.username !== "" || url.password !== "") url.username = url.password = "";
  if (url.hostname.endsWith(".")) url.hostname = url.hostname.replace(/\.+$/, "");
  const path = normalisePercentEncoding(url.pathname);
  const query = url.search === "" ? "" : canonicalQuery(url.search.slice(1));
  const rebuilt = `${url.protocol}//${url.host}${path}${query === "" ? "" : `?${query}`}`;
  // Undoing %2E may have made new dot segments.
  return rebuilt === url.href ? rebuilt : new URL(rebuilt).href;
}

function canonicalQuery(query: string): string {
  return query
    .split("&")
    .filter((parameter) => parameter !== "" && !tracking.test(nameOf(parameter)))
    .map(normalisePercentEncoding)
    .join("&");
}
