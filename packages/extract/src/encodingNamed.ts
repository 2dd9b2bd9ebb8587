import { normalizeEncoding } from "@exodus/bytes/encoding.js";

/** The encoding that a label stands for (WHATWG Encoding §4.2), in lower case; null where it is no label. */
export function encodingNamed(label: string): string | null {
  return normalizeEncoding(label.replace(/^[\t\n\f\r ]+|[\t\n\f\r ]+$/g, ""));
}
