import { open } from "node:fs/promises";
import { CheckpointError } from "../checkpointError.js";

/** A file of known length whose parts are read by position. */
export interface RandomAccess {
  readonly size: number;
  /** The bytes from `start` to `end`, in memory of their own. @throws CheckpointError where they are not all there */
  read(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** Bytes in memory as a file. */
export function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    read: (start, end) =>
      Promise.resolve(new Uint8Array(bytes.subarray(start, checkedEnd(end, bytes.length)))),
  };
}

/** Opens a file, lends it to `work`, and closes it. */
export async function withFile<T>(path: string, work: (file: RandomAccess) => Promise<T>): Promise<T> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    return await work({
      size,
      read: async (start, end) => {
        const bytes = new Uint8Array(checkedEnd(end, size) - start);
        const step = 2 ** 30;
        for (let at = 0; at < bytes.length;) {
          const { bytesRead } = await handle.read(bytes, at, Math.min(step, bytes.length - at), start + at);
          if (bytesRead === 0) throw cutOff(start + at, size);
          at += bytesRead;
        }
        return bytes;
      },
    });
  } finally {
    await handle.close();
  }
}

function checkedEnd(end: number, size: number): number {
  if (end > size) throw cutOff(end, size);
  return end;
}

function cutOff(end: number, size: number): CheckpointError {
  return new CheckpointError(
    "checkpoint_truncated",
    `The file is cut off: byte ${end} is wanted, it has ${size}`,
  );
}
