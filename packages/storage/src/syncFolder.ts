import { open } from "node:fs/promises";

/** Makes the entries of a folder durable; where the system can't (Windows), it is left out. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!["EPERM", "EISDIR", "EINVAL", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
      throw error;
  }
}
