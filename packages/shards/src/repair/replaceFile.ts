import { open, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config";
import { type Store, syncFolder, writeAll } from "@pairloom/storage";

/**
 * Writes a file beside and gives it the name in one step, whatever had that name before.
 * @throws UserError where the store is not a folder of this machine, DiskFullError
 */
export async function replaceFile(store: Store, name: string, bytes: Uint8Array): Promise<void> {
  const path = store.localPath(name);
  if (path === null)
    throw new UserError("repair_not_local", `${store.url} is no folder of this machine`, {
      hint: "Nothing is replaced there in one step: copy the folder here, repair it, and copy it back.",
    });
  const scratch = await store.scratch();
  try {
    const beside = join(scratch, "rebuilt");
    const handle = await open(beside, "wx");
    try {
      await writeAll(handle, [bytes]);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    throw isDiskFull(error) ? new DiskFullError(`${name} in ${store.url}`, error) : error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
    // The folder for unfinished files has no place in a dataset; where others work in it, it stays.
    await rmdir(dirname(scratch)).catch(() => {});
  }
}
