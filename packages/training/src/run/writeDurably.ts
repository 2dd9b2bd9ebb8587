import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DiskFullError, isDiskFull } from "@pairloom/config/errors";
import { syncFolder, writeAll } from "@pairloom/storage";

/**
 * Writes a file that is there whole or not at all, also after a power cut: written beside, synced, renamed, the folder
 * synced.
 *
 * @throws DiskFullError
 */
export async function writeDurably(
  path: string,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.part`);
  try {
    const handle = await open(beside, "w");
    try {
      await writeAll(handle, parts);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true });
    if (isDiskFull(error)) throw new DiskFullError(path, error);
    throw error;
  }
}

/** JSON with a line feed at its end, written durably. */
export function writeJsonDurably(path: string, value: unknown): Promise<void> {
  return writeDurably(path, [Buffer.from(`${JSON.stringify(value, null, 2)}\n`)]);
}
