import type { FileHandle } from "node:fs/promises";

/**
 * Cuts a stream into parts of exactly `partBytes`, the last one shorter. Gathers one part at a time, so a short stream
 * costs no more than itself. A chunk must not be changed afterwards.
 */
export async function* cutParts(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.byteLength > 0;) {
      const piece = rest.subarray(0, partBytes - bytes);
      held.push(piece);
      bytes += piece.byteLength;
      rest = rest.subarray(piece.byteLength);
      if (bytes < partBytes) continue;
      yield held.length === 1 ? piece : Buffer.concat(held);
      held = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(held);
}

/** Reads a file part by part. */
export async function* fileParts(handle: FileHandle, partBytes: number): AsyncGenerator<Uint8Array, void> {
  const { size } = await handle.stat();
  for (let at = 0; at < size;) {
    const part = Buffer.allocUnsafeSlow(Math.min(partBytes, size - at));
    let filled = 0;
    while (filled < part.length) {
      const { bytesRead } = await handle.read(part, filled, part.length - filled, at + filled);
      if (bytesRead === 0) throw new Error("A file became shorter while it was uploaded");
      filled += bytesRead;
    }
    at += filled;
    yield part;
  }
}
