import { open, rename, rm } from "node:fs/promises";
import { DiskFullError, isDiskFull } from "@pairloom/config/errors";

/** Writes a file that appears whole or not at all: beside, synced, renamed. @throws DiskFullError */
export async function publishFile(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const beside = `${path}.${process.pid}.part`;
  try {
    const handle = await open(beside, "w");
    try {
      for (const part of parts) await handle.writeFile(part);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    if (isDiskFull(error)) throw new DiskFullError(path, error);
    throw error;
  }
}
