import type { FileHandle } from "node:fs/promises";

/** writev(2) takes at most this many buffers (IOV_MAX). */
const maxBuffers = 1024;
const maxBatchBytes = 4 << 20;
/** Node writes less than 2 GiB at once, and counts more wrongly where several buffers are written. */
const maxWriteBytes = 2 ** 30;

/** A chunk in pieces that can be written at once. */
function* pieces(chunk: Uint8Array, pieceBytes: number): Generator<Uint8Array, void> {
  for (let at = 0; at < chunk.byteLength; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes);
}

async function writeBatch(handle: FileHandle, batch: Uint8Array[], bytes: number): Promise<void> {
  let { bytesWritten } = await handle.writev(batch);
  if (bytesWritten === bytes) return;
  // A disk that is nearly full takes a part; going on gives the rest, or the error.
  for (const buffer of batch) {
    let from = Math.min(bytesWritten, buffer.byteLength);
    bytesWritten -= from;
    while (from < buffer.byteLength)
      from += (await handle.write(buffer, from, buffer.byteLength - from)).bytesWritten;
  }
}

/**
 * Appends all the chunks, each of any length, to a file, gathered into few system calls. A chunk must not be changed
 * afterwards.
 *
 * @param pieceBytes of a longer chunk as many are written at once
 */
export async function writeAll(
  handle: FileHandle,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  pieceBytes = maxWriteBytes,
): Promise<void> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    for (const piece of pieces(chunk, pieceBytes)) {
      batch.push(piece);
      bytes += piece.byteLength;
      if (batch.length < maxBuffers && bytes < maxBatchBytes) continue;
      await writeBatch(handle, batch, bytes);
      batch = [];
      bytes = 0;
    }
  }
  if (bytes > 0) await writeBatch(handle, batch, bytes);
}
