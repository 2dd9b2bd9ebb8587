import { gunzipSync } from "node:zlib";
import { UserError } from "@pairloom/config/errors";

/** Inflated bytes that a query list may have. */
const maxBytes = 1 << 30;

const encodings: [string, number[]][] = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];

/**
 * The text of a list file: gzip undone, byte order mark obeyed, UTF-8 otherwise.
 * @throws UserError "query_list_binary" where it is no text
 */
export function decodeListBytes(bytes: Buffer, whence: string): string {
  let plain = bytes;
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    try {
      plain = gunzipSync(bytes, { maxOutputLength: maxBytes });
    } catch (cause) {
      throw binary(whence, "a gzip file that is broken or too large", cause);
    }
  }
  const [encoding] = encodings.find(([, mark]) => mark.every((byte, i) => plain[i] === byte)) ?? ["utf-8"];
  let text: string;
  try {
    text = new TextDecoder(encoding, { fatal: true }).decode(plain);
  } catch (cause) {
    throw binary(whence, "not UTF-8 text", cause);
  }

  if (/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text)) throw binary(whence, "not text");
  return text;
}

function binary(whence: string, what: string, cause?: unknown): UserError {
  return new UserError("query_list_binary", `The query list ${whence} is ${what}`, {
    hint: "Give a text file in UTF-8 with one query a line, or a csv, tsv, json or jsonl file with a query column.",
    cause,
  });
}
