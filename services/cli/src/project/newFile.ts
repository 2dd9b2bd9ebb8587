import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config";

/**
 * Makes a file appear whole: `write` writes it beside; a file that is there already stays.
 *
 * @throws UserError "file_exists", DiskFullError
 */
export async function newFile(target: string, write: (beside: string) => Promise<void>): Promise<void> {
  const beside = `${target}.part-${process.pid}`;
  try {
    await mkdir(dirname(target), { recursive: true });
    await write(beside);
    await link(beside, target);
  } catch (error) {
    if (isDiskFull(error)) throw new DiskFullError(target, error);
    if ((error as NodeJS.ErrnoException).code === "EEXIST")
      throw new UserError("file_exists", `${target} is there already`, { hint: "Name another with --out." });
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}

/** Writes pieces one after the other to a new file, and syncs it. */
export async function writeParts(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, "wx");
  try {
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}
