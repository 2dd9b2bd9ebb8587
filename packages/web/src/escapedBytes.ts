import { Buffer, isUtf8 } from "node:buffer";

/**
 * Bytes beyond ASCII, given as Latin-1, escaped as they stand ("caf\xe9" → "caf%E9"), whether they are UTF-8 or not: in
 * an address that is the path that the server means, as browsers do with Location.
 */
export function escapedBytes(latin1: string): string {
  return latin1.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The text of UTF-8 bytes, given as Latin-1; where they are none, bytes beyond ASCII are escaped as they stand. */
export function utf8OrEscaped(latin1: string): string {
  if (!/[\x80-\xff]/.test(latin1)) return latin1;
  const bytes = Buffer.from(latin1, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : escapedBytes(latin1);
}
