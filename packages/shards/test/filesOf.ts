import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Every file's bytes (as latin1) below a folder, by its path. */
export async function filesOf(at: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(at, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(at.length + 1), (await readFile(path)).toString("latin1"));
    }
  return new Map([...files].sort());
}
