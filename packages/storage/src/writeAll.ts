import type { FileHandle } from "node:fs/promises";

/** writev(2) takes at most this many buffers (IOV_MAX). */
const maxBuffers = 1024;
const maxBatchBytes = 4 << 20;
/** Node writes less than 2 GiB at once. */
const maxWriteBytes = 2 ** 30;

async function writeBatch(handle: FileHandle, batch: Uint8Array[], bytes: number): Promise<void> {
  let { bytesWritten } = await handle.writev(batch);
  if (bytesWritten === bytes) return;
  // A disk that is nearly full takes a part; going on gives the rest, or the error.
  for (const buffer of batch) {
    let from = Math.min(bytesWritten, buffer.byteLength);
    bytesWritten -= from;
    while (from < buffer.byteLength) {
      const length = Math.min(maxWriteBytes, buffer.byteLength - from);
      from += (await handle.write(buffer, from, length)).bytesWritten;
    }
  }
}

/** Appends all the chunks to a file, gathered into few system calls. A chunk must not be changed afterwards. */
export async function writeAll(
  handle: FileHandle,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    if (chunk.byteLength === 0) continue;
    batch.push(chunk);
    bytes += chunk.byteLength;
    if (batch.length === maxBuffers || bytes >= maxBatchBytes) {
      await writeBatch(handle, batch, bytes);
      batch = [];
      bytes = 0;
    }
  }
  if (bytes > 0) await writeBatch(handle, batch, bytes);
}
