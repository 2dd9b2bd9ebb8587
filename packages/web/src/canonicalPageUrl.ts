import { canonicalUrl } from "./canonicalUrl.js";
import { parametersOf, withoutParameters } from "./withoutParameters.js";

/** Names that software gives to a visitor's session and to nothing else. */
const sessionNames =
  /^(phpsessid|jsessionid(sso)?|aspsessionid[a-z]*|asp\.net_sessionid|oscsid|xtcsid|zenid|ci_session)$/;
/** Names of a session that are used for content as well: the value has to look like one. */
const likelyNames = /^(s|sid|sess|sessid|session|session_?id|phpsess|visit_?id|visitor_?id)$/;
/** ASP.NET's session in the path: "/(S(lit3py55t21z5v55vlm25s55))/". */
const pathSession = /\/\((?:[AFS]\([\w-]{20,}\))+\)(?=\/|$)/g;

/** True for what a machine drew by lot: 16 hex digits and more, a UUID, 20 letters and digits in a mix. */
export function isSessionLike(value: string): boolean {
  if (/^[0-9a-f]{16,}$/i.test(value) || /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)) {
    return /\d/.test(value);
  }
  return /^[a-z0-9]{20,200}$/i.test(value) && (value.match(/\d+/g)?.length ?? 0) >= 3;
}

/**
 * The one address by which a page is known to the frontier, and asked for: `canonicalUrl` without the visitor's
 * session. Of what might be content only a value that looks drawn by lot is taken for a session.
 */
export function canonicalPageUrl(text: string): string {
  const href = canonicalUrl(text);
  if (!/^https?:/.test(href)) return href;
  const names = new Set(parametersOf(href).map(({ name }) => name));
  const coldFusion = names.has("cfid") && names.has("cftoken");
  const without = withoutParameters(
    href,
    (name, value) =>
      sessionNames.test(name) ||
      (coldFusion && (name === "cfid" || name === "cftoken")) ||
      (likelyNames.test(name) && isSessionLike(value)),
  );
  const bare = withoutPathSession(without);
  return bare === href ? href : canonicalUrl(bare);
}

function withoutPathSession(href: string): string {
  if (!href.includes("/(")) return href;
  const url = new URL(href);
  url.pathname = url.pathname.replace(pathSession, "");
  return url.href;
}
