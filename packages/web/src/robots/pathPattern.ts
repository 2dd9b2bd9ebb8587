const reservedInQuery = /[:/?#[\]@!'(),;]/g;
const printable = /^[\x21-\x7e]*$/;

/**
 * One spelling of a path for comparison (RFC 9309 §2.2.2): escapes of unreserved characters undone, other escapes in
 * capitals, everything outside printable ASCII escaped as UTF-8.
 */
function normalise(text: string): string {
  const plain = text.includes("%") ? text.replace(/%[0-9a-fA-F]{2}/g, normaliseEscape) : text;
  return printable.test(plain) ? plain : plain.replace(/[^\x21-\x7e]+/g, escapeUtf8);
}

function normaliseEscape(escape: string): string {
  const character = String.fromCharCode(parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
}

function escapeUtf8(raw: string): string {
  return [...Buffer.from(raw, "utf8")]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}

/** The path and query of a URL as patterns see it. */
export interface ComparablePath {
  text: string;
  /** `text` with what is reserved in a query escaped. */
  escaped: string;
}

/** A literal * or $ can only be met by its escape in a pattern. */
export function comparablePath(url: URL): ComparablePath {
  const text = normalise(url.pathname + url.search)
    .replace(/\*/g, "%2A")
    .replace(/\$/g, "%24");
  return { text, escaped: escapeQuery(text) };
}

/** In a query, "https://x" and "https%3A%2F%2Fx" are one (the table in RFC 9309 §2.2.2). */
function escapeQuery(path: string): string {
  const mark = path.indexOf("?");
  if (mark < 0) return path;
  const escape = (c: string): string => `%${c.charCodeAt(0).toString(16).toUpperCase()}`;
  return path.slice(0, mark + 1) + path.slice(mark + 1).replace(reservedInQuery, escape);
}

/**
 * False where a pattern can't match a path, told by the plain characters that it begins with: nearly all rules of a
 * long file part from a path there, and need not be compiled.
 */
export function mayMatch(pattern: string, { text }: ComparablePath): boolean {
  for (let i = 0; i < pattern.length; i++) {
    const code = pattern.charCodeAt(i);
    // * $ % ? and what is escaped first
    if (code === 42 || code === 36 || code === 37 || code === 63 || code < 0x21 || code > 0x7e) return true;
    if (code !== text.charCodeAt(i)) return false;
  }
  return true;
}

export interface PathPattern {
  /** Octets: the longest match rules (RFC 9309 §2.2.2). */
  length: number;
  matches(path: ComparablePath): boolean;
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
      inOrder(plain, anchored, path.text) || (escaped !== null && inOrder(escaped, anchored, path.escaped)),
  };
}

function pieces(pattern: string): string[] {
  const split = pattern.includes("**") ? pattern.split(/\*+/) : pattern.split("*");
  return pattern.includes("$") ? split.map((piece) => piece.replace(/\$/g, "%24")) : split;
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
