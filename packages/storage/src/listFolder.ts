import { Buffer } from "node:buffer";
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BlobInfo, ListOptions } from "./store.js";

const gone = (error: unknown) => ["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (gone(error)) return [];
    throw error;
  }
}

/**
 * The files below `root` whose relative names start with `prefix`, in byte order of the whole name. It holds the
 * names of one folder a level, never of the whole tree, and enters only the folders that can match.
 * @param options.skip a name at the top that is left out
 */
export async function* listFolder(
  root: string,
  prefix: string,
  { skip, flat = false }: ListOptions & { skip: string },
): AsyncGenerator<BlobInfo> {
  async function* walk(folder: string): AsyncGenerator<BlobInfo> {
    const found: { key: Buffer; name: string; isFolder: boolean }[] = [];
    for (const entry of await entriesOf(join(root, folder))) {
      const name = folder + entry.name;
      if (name === skip) continue;
      let isFolder = entry.isDirectory();
      if (entry.isSymbolicLink()) {
        const info = await stat(join(root, name)).catch(() => null);
        if (info === null) continue;
        isFolder = info.isDirectory();
      }
      // As in whole names, the folder "a" sorts as "a/": after "a-b" and "a.txt", before "a0".
      const sorted = isFolder ? `${name}/` : name;
      if (!sorted.startsWith(prefix) && !(isFolder && prefix.startsWith(sorted))) continue;
      found.push({ key: Buffer.from(sorted), name: sorted, isFolder });
    }
    found.sort((a, b) => Buffer.compare(a.key, b.key));
    for (const { name, isFolder } of found) {
      if (isFolder) {
        if (!flat) yield* walk(name);
        continue;
      }
      const info = await stat(join(root, name)).catch((error: unknown) => {
        if (gone(error)) return null;
        throw error;
      });
      if (info?.isFile() === true) yield { name, bytes: info.size };
    }
  }
  // Start in the deepest folder that the prefix names whole.
  yield* walk(prefix.slice(0, prefix.lastIndexOf("/") + 1));
}
