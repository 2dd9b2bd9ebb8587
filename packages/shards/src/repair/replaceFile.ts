import { rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DiskFullError, isDiskFull } from "@pairloom/config/errors";
import type { Store } from "@pairloom/storage";

/** Gives bytes a name in one step, whatever had that name before. @throws DiskFullError */
export async function replaceFile(store: Store, name: string, bytes: Uint8Array): Promise<void> {
  const scratch = await store.scratch();
  try {
    const beside = join(scratch, "rebuilt");
    await writeFile(beside, bytes);
    await store.replaceFile(name, beside);
  } catch (error) {
    throw isDiskFull(error) ? new DiskFullError(`${name} in ${store.url}`, error) : error;
  } finally {
    await rm(scratch, { recursive: true, force: true });
    // The folder for unfinished files has no place in a dataset; where others work in it, it stays.
    await rmdir(dirname(scratch)).catch(() => {});
  }
}
