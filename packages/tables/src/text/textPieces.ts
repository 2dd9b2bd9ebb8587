import { isUtf8 } from "node:buffer";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "@pairloom/config/errors";
import type { TableFile } from "../tableFile.js";

/** What files begin with that are no text. */
const signatures: [string, string][] = [
  ["PAR1", "a parquet file"],
  ["PK\u0003\u0004", "a zip archive"],
  ["BZh", "compressed by bzip2"],
  ["(\u00b5/\u00fd", "compressed by zstd"],
  ["\u00fd7zXZ\u0000", "compressed by xz"],
];

const notText = (name: string, what: string, hint: string, cause?: unknown) =>
  new UserError("table_invalid", `${name} is ${what}`, { hint, cause });

/**
 * The text of a file in pieces as they are read: gzip undone (told by its first bytes, whatever the name), UTF-8, or UTF-16
 * where a byte order mark says so; the mark is taken off.
 * @param onBytes bytes of the file read so far
 * @throws UserError "table_invalid", naming the line where it can
 */
export async function* textPieces(
  file: TableFile,
  onBytes: (bytes: number) => void = () => undefined,
): AsyncGenerator<string> {
  let decode: ((chunk: Buffer, isLast: boolean) => string) | null = null;
  for await (const chunk of withHead(inflated(file, onBytes))) {
    if (decode === null) {
      const head = chunk.toString("latin1", 0, 8);
      const what = signatures.find(([first]) => head.startsWith(first))?.[1];
      if (what !== undefined)
        throw notText(
          file.name,
          `${what}, not text`,
          what === "a parquet file"
            ? "Give it a name that ends in .parquet."
            : "Unpack it, or pack it with gzip.",
        );
      decode = head.startsWith("\u00ff\u00fe")
        ? decodeUtf16("utf-16le", file.name)
        : head.startsWith("\u00fe\u00ff")
          ? decodeUtf16("utf-16be", file.name)
          : decodeUtf8(file.name);
    }
    yield checked(decode(chunk, false), file.name);
  }
  if (decode !== null) yield checked(decode(Buffer.alloc(0), true), file.name);
}

function checked(text: string, name: string): string {
  if (text.includes("\0"))
    throw notText(
      name,
      "no text: it holds zero bytes",
      "A text table is UTF-8, or UTF-16 that begins with a byte order mark.",
    );
  return text;
}

function decodeUtf8(name: string): (chunk: Buffer, isLast: boolean) => string {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let lines = 0;
  return (chunk, isLast) => {
    try {
      const text = decoder.decode(chunk, { stream: !isLast });
      for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
      return text;
    } catch (cause) {
      const line = lines + 1 + linesBeforeFault(chunk);
      throw notText(name, `not UTF-8 text: line ${line} has bytes that are none`, "Save it as UTF-8.", cause);
    }
  };
}

/** Line ends before the line with the first bytes that are no UTF-8. */
function linesBeforeFault(chunk: Buffer): number {
  // It may begin with the rest of a character.
  let from = [...chunk.subarray(0, 3)].findIndex((byte) => (byte & 0xc0) !== 0x80);
  if (from < 0) from = Math.min(3, chunk.length);
  for (let lines = 0; ; lines++) {
    const end = chunk.indexOf(10, from);
    if (end < 0 || !isUtf8(chunk.subarray(from, end))) return lines;
    from = end + 1;
  }
}

function decodeUtf16(encoding: "utf-16le" | "utf-16be", name: string) {
  const decoder = new TextDecoder(encoding, { fatal: true });
  return (chunk: Buffer, isLast: boolean): string => {
    try {
      return decoder.decode(chunk, { stream: !isLast });
    } catch (cause) {
      throw notText(name, "not UTF-16 text, as its byte order mark says", "Save it as UTF-8.", cause);
    }
  };
}

/** The same chunks, the first of them with 8 bytes at least where there are so many. */
async function* withHead(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < 8) continue;
    yield head;
    head = null;
  }
  if (head !== null && head.length > 0) yield head;
}

async function* countedChunks(file: TableFile, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of await file.read()) {
    bytes += chunk.length;
    onBytes(bytes);
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}

async function* inflated(file: TableFile, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const chunks = withHead(countedChunks(file, onBytes));
  const first = await chunks.next();
  if (first.done === true) return;
  async function* whole(): AsyncGenerator<Buffer> {
    yield first.value as Buffer;
    yield* chunks;
  }
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  if (!isGzip) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  // What goes wrong before it comes out of gunzip again.
  pipeline(whole, gunzip).catch(() => undefined);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code?.startsWith("Z_") !== true) throw cause;
    throw notText(
      file.name,
      `a gzip file that is damaged or cut off: ${(cause as Error).message}`,
      "Fetch or pack it again.",
      cause,
    );
  }
}
