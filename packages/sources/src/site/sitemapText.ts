import { isUtf8 } from "node:buffer";
import { constants, gunzipSync } from "node:zlib";
import { getBOMEncoding, legacyHookDecode, normalizeEncoding } from "@exodus/bytes/encoding.js";

/** What could not be read of a sitemap. */
export type Unread = "bytes_over_limit" | "gzip_broken";

/**
 * The text of a sitemap: gunzipped where its bytes say so, and decoded by its byte order mark or its XML declaration, as
 * UTF-8, which the protocol asks for, where it is that, or by the transport's charset. Without any of them the bytes are
 * windows-1252 in XML; in a list of addresses those beyond ASCII are escaped as they stand.
 *
 * @param charset of Content-Type, or null
 */
export function sitemapText(
  body: Uint8Array,
  charset: string | null,
  maxBytes: number,
  skip: (what: Unread) => void,
): string {
  let bytes = body;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: maxBytes, finishFlush: constants.Z_SYNC_FLUSH });
    } catch (error) {
      skip(
        (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "bytes_over_limit" : "gzip_broken",
      );
      return "";
    }
  }
  if (bytes.length > maxBytes) {
    skip("bytes_over_limit");
    bytes = bytes.subarray(0, maxBytes);
  }
  const mark = getBOMEncoding(bytes);
  if (mark !== null) return legacyHookDecode(bytes, mark);
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString("latin1");
  const declared = declaredEncoding(start);
  if (declared !== null) return legacyHookDecode(bytes, declared);
  // What a cut left of the last character is no reason to doubt.
  if (isUtf8(bytes) || isUtf8(bytes.subarray(0, lastStart(bytes)))) return legacyHookDecode(bytes, "utf-8");
  const said = charset === null ? null : normalizeEncoding(charset);
  if (said !== null && said !== "utf-8") return legacyHookDecode(bytes, said);
  return /^\s*</.test(start) ? legacyHookDecode(bytes, "windows-1252") : escapedText(bytes);
}

/** `<?xml … encoding="…"?>`; what can be read so is not in UTF-16. */
function declaredEncoding(start: string): string | null {
  const declaration = /^\s*<\?xml[^>]*>/.exec(start)?.[0] ?? "";
  const label = /\bencoding\s*=\s*["']([^"']+)["']/.exec(declaration)?.[1];
  const encoding = label === undefined ? null : normalizeEncoding(label);
  return encoding === "utf-16le" || encoding === "utf-16be" ? "utf-8" : encoding;
}

/** Where the last character begins, if it is not plain ASCII. */
function lastStart(bytes: Uint8Array): number {
  let at = bytes.length - 1;
  while (at > 0 && at > bytes.length - 4 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}

function escapedText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("latin1")
    .replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}
