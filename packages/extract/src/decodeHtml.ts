import { isUtf8 } from "node:buffer";
import { getBOMEncoding, legacyHookDecode } from "@exodus/bytes/encoding.js";
import { encodingNamed } from "./encodingNamed.js";
import { laterMetaEncoding } from "./laterMetaEncoding.js";
import { prescanEncoding } from "./prescanEncoding.js";

/**
 * Bytes to text as a browser does (WHATWG HTML §13.2.3): byte order mark, then the transport's charset, then what the
 * page's beginning names, then a meta element farther down. Where nothing is named the bytes tell: UTF-16 without a mark,
 * UTF-8 where they are valid UTF-8, else windows-1252. A label that nobody knows is passed over. Never throws: what can't
 * be read becomes U+FFFD.
 *
 * @param charset of Content-Type, or null
 */
export function decodeHtml(bytes: Uint8Array, charset: string | null): { html: string; encoding: string } {
  const encoding =
    getBOMEncoding(bytes) ??
    (charset === null ? null : encodingNamed(charset)) ??
    prescanEncoding(bytes) ??
    unmarkedUtf16(bytes) ??
    laterMetaEncoding(bytes) ??
    (looksUtf8(bytes) ? "utf-8" : "windows-1252");
  return { html: legacyHookDecode(bytes, encoding), encoding };
}

/** A body that was cut within its last character is still UTF-8. */
function looksUtf8(bytes: Uint8Array): boolean {
  if (isUtf8(bytes)) return true;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** How many bytes must agree before they are taken for UTF-16, and how many are looked at. */
const fewestBytes = 30;
const mostBytes = 1024;

/**
 * UTF-16 without a mark, where it holds characters below U+0100 only at its beginning: every other byte is zero, and no
 * others are. Firefox tells it so.
 */
function unmarkedUtf16(bytes: Uint8Array): string | null {
  const end = Math.min(bytes.length, mostBytes) & ~1;
  if (end < fewestBytes) return null;
  const zero = bytes[0] === 0 ? 0 : 1;
  for (let at = 0; at < end; at += 2) {
    if (bytes[at + zero] !== 0 || bytes[at + 1 - zero] === 0) return null;
  }
  return zero === 0 ? "utf-16be" : "utf-16le";
}
