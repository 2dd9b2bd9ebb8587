import { Buffer } from "node:buffer";
import { utf8OrEscaped } from "./escapedBytes.js";

/**
 * The text of a site's own file: UTF-16 with a mark, or UTF-8. Of a file in another encoding the bytes beyond ASCII are
 * escaped, so that its paths are those of its addresses.
 */
export function siteText(bytes: Buffer): string {
  return utf8OrEscaped(unmarkedBytes(bytes));
}

/** A file's UTF-8 bytes, one character each, without a mark. UTF-16 with a mark, which some editors write, becomes UTF-8. */
export function unmarkedBytes(bytes: Buffer): string {
  const mark = bytes.toString("latin1", 0, 3);
  if (mark === "\xef\xbb\xbf") return bytes.toString("latin1", 3);
  const encoding = mark.startsWith("\xff\xfe") ? "utf-16le" : mark.startsWith("\xfe\xff") ? "utf-16be" : null;
  if (encoding === null) return bytes.toString("latin1");
  return Buffer.from(new TextDecoder(encoding).decode(bytes), "utf8").toString("latin1");
}
