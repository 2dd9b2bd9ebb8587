/** Bytes looked at for a meta element that names the encoding; the standard asks for 1,024, pages put it later. */
const prescanBytes = 4096;

/**
 * Bytes to text as a browser does: byte order mark, then the transport's charset, then meta, then what the bytes look
 * like (UTF-8 where they are valid UTF-8, windows-1252 where not). Never throws: what can't be read becomes U+FFFD.
 *
 * @param charset of Content-Type, or null
 */
export function decodeHtml(bytes: Uint8Array, charset: string | null): { html: string; encoding: string } {
  const named = markOf(bytes) ?? known(charset) ?? metaCharset(bytes);
  if (named !== null) return { html: decode(bytes, named), encoding: named };
  try {
    return { html: new TextDecoder("utf-8", { fatal: true }).decode(bytes), encoding: "utf-8" };
  } catch {
    // A body cut within its last character is still UTF-8.
    const encoding = isUtf8(bytes) ? "utf-8" : "windows-1252";
    return { html: decode(bytes, encoding), encoding };
  }
}

/** 0x80 to 0x9f in windows-1252 (WHATWG Encoding, index windows-1252). */
const windows1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

function decode(bytes: Uint8Array, encoding: string): string {
  if (encoding !== "windows-1252") return new TextDecoder(encoding).decode(bytes);
  // Some versions of Node take windows-1252 for Latin-1.
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return latin1.replace(/[\x80-\x9f]/g, (c) => windows1252[c.charCodeAt(0) - 0x80] ?? c);
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    // `stream` forgives a character that is cut at the end.
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function markOf([a, b, c]: Uint8Array): string | null {
  if (a === 0xef && b === 0xbb && c === 0xbf) return "utf-8";
  if (a === 0xfe && b === 0xff) return "utf-16be";
  if (a === 0xff && b === 0xfe) return "utf-16le";
  return null;
}

/** The WHATWG name of an encoding label, or null where there is none. */
function known(label: string | null): string | null {
  if (label === null || label.trim() === "") return null;
  try {
    return new TextDecoder(label.trim()).encoding;
  } catch {
    return null;
  }
}

/** `<meta charset>` or `<meta http-equiv content="…charset=…">`, or an XML declaration, near the start. */
function metaCharset(bytes: Uint8Array): string | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, prescanBytes)).toString(
    "latin1",
  );
  const text = head.replace(/<!--[\s\S]*?-->/g, "");
  const label =
    /<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([^\s"'/>;]+)/i.exec(text)?.[1] ??
    /^\s*<\?xml\b[^>]*\bencoding\s*=\s*["']([^"']+)["']/i.exec(text)?.[1];
  const encoding = known(label ?? null);
  // Bytes in which "charset" can be read as ASCII are not UTF-16, whatever they say (WHATWG HTML §13.2.3.2).
  return encoding?.startsWith("utf-16") === true ? "utf-8" : encoding;
}
