import { Buffer } from "node:buffer";
import type { TarEntry } from "./tarEntry.js";
import { TarScanner, type TarScannerOptions } from "./tarScanner.js";

/** The members of a tar that comes in chunks; damage is reported through `options.onProblem`, never thrown. */
export async function* scanTar(
  chunks: AsyncIterable<Uint8Array>,
  options: TarScannerOptions = {},
): AsyncGenerator<TarEntry, void> {
  const scanner = new TarScanner(options);
  for await (const chunk of chunks) {
    const buffer = Buffer.isBuffer(chunk)
      ? chunk
      : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    yield* scanner.push(buffer);
  }
  scanner.end();
}
