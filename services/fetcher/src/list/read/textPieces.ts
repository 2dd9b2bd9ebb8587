import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { UserError } from "@pairloom/config";
import type { ListFile } from "./listFiles.js";

/**
 * The text of a list in pieces as they are read: gzip (by its first bytes, whatever the name) undone, a byte order mark
 * taken off. @param onBytes bytes of the file read so far @throws UserError where it is no UTF-8 text
 */
export async function* textPieces(file: ListFile, onBytes: (bytes: number) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of inflated(countedChunks(file, onBytes)))
      yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    if (cause instanceof TypeError || (cause as NodeJS.ErrnoException).code?.startsWith("Z_") === true)
      throw new UserError("url_list_binary", `${file.name} is not UTF-8 text: ${(cause as Error).message}`, {
        hint: "A parquet file needs --input_format parquet; other encodings must be turned to UTF-8.",
        cause,
      });
    throw cause;
  }
}

async function* countedChunks(file: ListFile, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of await file.store.read(file.name)) {
    bytes += (chunk as Buffer).length;
    onBytes(bytes);
    yield chunk as Buffer;
  }
}

async function* inflated(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
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
  for await (const chunk of gunzip) yield chunk as Buffer;
}

/** Longest line that is taken for one. */
const maxLineCharacters = 1 << 22;

/** Lines of a list, many at a time; LF and CRLF end them. @throws UserError for an endless line */
export async function* textLines(pieces: AsyncIterable<string>, name: string): AsyncGenerator<string[]> {
  let rest = "";
  for await (const piece of pieces) {
    const text = rest + piece;
    const lines = text.split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineCharacters)
      throw new UserError("url_list_line", `${name} has a line of more than ${maxLineCharacters} characters`);
    if (lines.length > 0) yield lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  }
  if (rest !== "") yield [rest];
}
