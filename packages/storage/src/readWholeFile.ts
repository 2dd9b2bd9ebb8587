import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";

/** The system reads less than 2 GiB at once; and Node's `readFile` refuses longer files. */
const maxReadBytes = 2 ** 30;

/**
 * The bytes of a file of any length that a Buffer may have (4 GiB in Node 20), as long as it was when it was opened.
 *
 * @param atOnce bytes that are asked for in one read
 */
export async function readWholeFile(path: string, atOnce = maxReadBytes): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.allocUnsafeSlow(size);
    // of no bytes, too: a folder is no file
    if (size === 0) await handle.read(Buffer.alloc(1), 0, 1, 0);
    let at = 0;
    while (at < size) {
      const { bytesRead } = await handle.read(bytes, at, Math.min(atOnce, size - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.subarray(0, at);
  } finally {
    await handle.close();
  }
}
