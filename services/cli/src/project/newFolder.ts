import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config";
import { syncFolder } from "@pairloom/storage";
import { writeParts } from "./newFile.js";

/**
 * Makes a folder of files appear whole: it is written beside and then named; what is there already stays.
 *
 * @param files in pieces, by name
 * @throws UserError "file_exists", DiskFullError
 */
export async function newFolder(
  target: string,
  files: ReadonlyMap<string, Iterable<Uint8Array>>,
): Promise<void> {
  const exists = () =>
    new UserError("file_exists", `${target} is there already`, { hint: "Name another with --out." });
  if ((await lstat(target).catch(() => null)) !== null) throw exists();
  const beside = `${target}.part-${randomUUID()}`;
  try {
    await mkdir(beside, { recursive: true });
    for (const [name, parts] of files) await writeParts(join(beside, name), parts);
    await syncFolder(beside);
    await rename(beside, target);
    await syncFolder(dirname(target));
  } catch (error) {
    if (isDiskFull(error)) throw new DiskFullError(target, error);
    if (["EEXIST", "ENOTEMPTY", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw exists();
    throw error;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}
