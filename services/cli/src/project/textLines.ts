import { isUtf8 } from "node:buffer";

/** A line of a text, without its end. */
export interface TextLine {
  /** From 1 on. */
  number: number;
  /** Null where the line is longer than it may be. */
  text: string | null;
  /** False where bytes were no UTF-8: U+FFFD stands for them. */
  wellFormed: boolean;
}

const lineFeed = 10;
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Lines as they come, those of one chunk together. Lines end at LF or CRLF alone, so that a caption with an odd
 * separator in it stays one line. In memory are a chunk and a line of at most `maxBytes` (no less than a chunk).
 */
export async function* textLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<TextLine[]> {
  let number = 0;
  let open: Buffer[] = [];
  let openBytes = 0;
  let tooLong = false;
  const add = (part: Buffer) => {
    openBytes += part.length;
    tooLong ||= openBytes > maxBytes;
    if (tooLong) open = [];
    else open.push(part);
  };
  const numbered = (whole: Buffer): TextLine[] => {
    const lines = linesOf(whole, number + 1);
    number += lines.length;
    return lines;
  };
  const close = (): TextLine[] => {
    const lines: TextLine[] = tooLong
      ? [{ number: ++number, text: null, wellFormed: true }]
      : numbered(Buffer.concat(open));
    open = [];
    openBytes = 0;
    tooLong = false;
    return lines;
  };
  for await (const chunk of chunks) {
    let from = 0;
    const end = chunk.lastIndexOf(lineFeed);
    const lines: TextLine[] = [];
    if (end >= 0) {
      const firstEnd = chunk.indexOf(lineFeed);
      add(chunk.subarray(0, firstEnd));
      lines.push(...close());
      if (firstEnd < end) lines.push(...numbered(chunk.subarray(firstEnd + 1, end)));
      from = end + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (openBytes > 0) yield close();
}

/** Decodes whole lines, at once where all is UTF-8. */
function linesOf(bytes: Buffer, first: number): TextLine[] {
  const wellFormed = isUtf8(bytes);
  const lines = decoder
    .decode(bytes)
    .split("\n")
    .map((line, i) => ({
      number: first + i,
      text: line.endsWith("\r") ? line.slice(0, -1) : line,
      wellFormed,
    }));
  if (wellFormed || lines.length === 1) return lines;
  // which of them it was: each is looked at alone
  let at = 0;
  return lines.map((line) => {
    const found = bytes.indexOf(lineFeed, at);
    const own = bytes.subarray(at, found < 0 ? bytes.length : found);
    at = found + 1;
    return { ...line, wellFormed: isUtf8(own) };
  });
}
