import { BlobNotFoundError, type Store } from "./store.js";

/** Where files lie that can't be used any more: never read, never deleted. */
export const asideFolder = "damaged/";

/**
 * Moves a blob out of the way, to `damaged/` and its name (and a number, where that is taken).
 * @returns where it lies now; null where it is gone already
 */
export async function setAside(store: Store, name: string): Promise<string | null> {
  let aside = `${asideFolder}${name}`;
  for (let number = 2; (await store.stat(aside)) !== null; number++)
    aside = `${asideFolder}${name}.${number}`;
  if ((await store.stat(name)) === null) return null;
  const path = store.localPath(name);
  // On one file system that is a rename: it needs no room, and there is no moment with two of them.
  if (path !== null) await store.replaceFile(aside, path);
  else {
    try {
      await store.publish(aside, await store.read(name));
    } catch (error) {
      if (error instanceof BlobNotFoundError) return null;
      throw error;
    }
    await store.delete(name);
  }
  return aside;
}
