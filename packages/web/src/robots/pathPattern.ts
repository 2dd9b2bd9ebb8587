const reservedInQuery = /[:/?#[\]@!'(),;]/g;

/**
 * One spelling of a path for comparison (RFC 9309 §2.2.2): escapes of unreserved characters undone, other escapes in
 * capitals, everything outside printable ASCII escaped as UTF-8.
 */
function normalise(text: string): string {
  let out = "";
  for (const part of text.split(/(%[0-9a-fA-F]{2})/)) {
    if (/^%[0-9a-fA-F]{2}$/.test(part)) {
      const character = String.fromCharCode(parseInt(part.slice(1), 16));
      out += /[A-Za-z0-9\-._~]/.test(character) ? character : part.toUpperCase();
    } else {
      out += part.replace(/[^\x21-\x7e]+/g, escapeUtf8);
    }
  }
  return out;
}

function escapeUtf8(raw: string): string {
  return [...Buffer.from(raw, "utf8")]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}

/** The path and query of a URL as patterns see it: a literal * or $ can only be met by its escape in a pattern. */
export function comparablePath(url: URL): string {
  return normalise(url.pathname + url.search)
    .replace(/\*/g, "%2A")
    .replace(/\$/g, "%24");
}

/** In a query, "https://x" and "https%3A%2F%2Fx" are one (the table in RFC 9309 §2.2.2). */
function escapeQuery(path: string): string {
  const mark = path.indexOf("?");
  if (mark < 0) return path;
  const escape = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
  return path.slice(0, mark + 1) + path.slice(mark + 1).replace(reservedInQuery, escape);
}

export interface PathPattern {
  /** Octets: the longest match rules (RFC 9309 §2.2.2). */
  length: number;
  /** @param path made by `comparablePath` */
  matches(path: string): boolean;
}

/** Compiles "/a*b$": * is any run of characters, $ at the end is the end. Linear in the path for each piece. */
export function pathPattern(text: string): PathPattern {
  const anchored = text.endsWith("$");
  const pattern = normalise(anchored ? text.slice(0, -1) : text);
  const plain = pieces(pattern);
  const escaped = pattern.includes("?") ? pieces(escapeQuery(pattern)) : null;
  return {
    length: pattern.length + (anchored ? 1 : 0),
    matches: (path) =>
      inOrder(plain, anchored, path) || (escaped !== null && inOrder(escaped, anchored, escapeQuery(path))),
  };
}

function pieces(pattern: string): string[] {
  return pattern.split(/\*+/).map((piece) => piece.replace(/\$/g, "%24"));
}

function inOrder(pieces: readonly string[], anchored: boolean, path: string): boolean {
  const [first = "", ...rest] = pieces;
  if (!path.startsWith(first)) return false;
  if (rest.length === 0) return !anchored || path.length === first.length;
  let at = first.length;
  for (const [i, piece] of rest.entries()) {
    if (anchored && i === rest.length - 1) return path.length - piece.length >= at && path.endsWith(piece);
    const found = path.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return true;
}
