import { errors } from "undici";
import type { Headers } from "../exchange/exchange.js";

/** What is read of a head: as many bytes as in Chrome, as many lines as in curl. */
export const maxHeadBytes = 256 * 1024;
const maxHeadLines = 5000;

/** An answer that browsers refuse as well; `code` is "ANSWER_REFUSED". */
export class AnswerRefusedError extends Error {
  readonly code = "ANSWER_REFUSED";
}

export interface LooseHead {
  httpStatus: number;
  headers: Headers;
}

/** How the end of a body is told. */
export type Framing =
  { kind: "none" } | { kind: "chunked" } | { kind: "length"; bytes: number } | { kind: "close" };

/** A head may begin with this many bytes that are none of it, as in Chrome; line ends count for nothing. */
const leadingJunk = /^[\r\n]*[^]{0,4}?(?=HTTP)/i;

const token = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** False as soon as it is sure that what has come is not the beginning of an HTTP/1 answer. */
export function mayBeHead(text: string): boolean {
  return text.replace(/^[\r\n]+/, "").length < 8 || leadingJunk.test(text);
}

/**
 * Reads a head as browsers do: lines may end in LF, blanks may stand before a colon, values may go on in the next line,
 * the status may lack its words and the version may be any HTTP/x. A line that is no header is passed over.
 *
 * @param text the head's bytes as Latin-1, without the empty line
 * @throws AnswerRefusedError for a NUL byte, or no status of three digits
 * @throws errors.HeadersOverflowError
 */
export function parseLooseHead(text: string): LooseHead {
  if (text.includes("\0")) throw new AnswerRefusedError("a NUL byte in the header");
  const [statusLine = "", ...lines] = text.replace(leadingJunk, "").split(/\r?\n/);
  const status = /^HTTP[^ \t]*[ \t]+(\d{3})(?!\d)/i.exec(statusLine)?.[1];
  if (status === undefined) throw new AnswerRefusedError(`no status in "${statusLine.slice(0, 40)}"`);
  if (lines.length > maxHeadLines) throw new errors.HeadersOverflowError();
  return { httpStatus: Number(status), headers: headersOf(lines) };
}

function headersOf(lines: readonly string[]): Headers {
  const found = new Map<string, string[]>();
  let values: string[] | null = null;
  for (const line of lines) {
    const text = line.replaceAll("\r", " ");
    if (/^[ \t]/.test(text) && values !== null) {
      const begun = values.pop() ?? "";
      values.push(`${begun} ${text.trim()}`.trim());
      continue;
    }
    const colon = text.indexOf(":");
    const name = text.slice(0, Math.max(0, colon)).trim().toLowerCase();
    if (!token.test(name)) continue;
    values = found.get(name) ?? [];
    values.push(text.slice(colon + 1).trim());
    found.set(name, values);
  }
  return Object.fromEntries(
    [...found].map(([name, all]) => [name, all.length === 1 ? all[0] : all] as const),
  );
}

/**
 * Where the body behind a head ends (RFC 9112 §6.3). Chunks outrank a length; a length that is no number is none.
 *
 * @throws AnswerRefusedError for two lengths that differ
 */
export function framingOf({ httpStatus, headers }: LooseHead): Framing {
  if (httpStatus === 204 || httpStatus === 205 || httpStatus === 304) return { kind: "none" };
  const codings = listed(headers["transfer-encoding"]).map((coding) => coding.toLowerCase());
  if (codings.includes("chunked")) return { kind: "chunked" };
  const [length, ...others] = new Set(listed(headers["content-length"]));
  if (others.length > 0) throw new AnswerRefusedError("two lengths that differ");
  const bytes = /^\d+$/.test(length ?? "") ? Number(length) : NaN;
  return Number.isSafeInteger(bytes) ? { kind: "length", bytes } : { kind: "close" };
}

/** The values of a header that is a list, over all its lines. */
function listed(value: Headers[string]): string[] {
  return [value ?? []].flat().flatMap((line) => line.split(",").map((part) => part.trim()));
}
