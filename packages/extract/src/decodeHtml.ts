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
  if (named !== null) return { html: new TextDecoder(named).decode(bytes), encoding: named };
  try {
    return { html: new TextDecoder("utf-8", { fatal: true }).decode(bytes), encoding: "utf-8" };
  } catch {
    // A body cut within its last character is still UTF-8.
    const encoding = isUtf8(bytes) ? "utf-8" : "windows-1252";
    return { html: new TextDecoder(encoding).decode(bytes), encoding };
  }
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
