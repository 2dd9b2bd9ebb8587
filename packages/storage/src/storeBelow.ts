import type { BlobInfo, ListOptions, Store } from "./store.js";
import { checkBlobName } from "./blobName.js";

/** The part of a store whose names begin with `folder` and a slash, as a store of its own. */
export function storeBelow(store: Store, folder: string): Store {
  const prefix = `${checkBlobName(folder)}/`;
  async function* list(below: string, options?: ListOptions): AsyncGenerator<BlobInfo> {
    for await (const { name, bytes } of store.list(prefix + below, options)) {
      yield { name: name.slice(prefix.length), bytes };
    }
  }
  return {
    url: `${store.url.replace(/\/$/, "")}/${folder}`,
    get: async (name) => store.get(inside(name)),
    read: async (name, range) => store.read(inside(name), range),
    stat: async (name) => {
      const info = await store.stat(inside(name));
      return info === null ? null : { name, bytes: info.bytes };
    },
    publish: async (name, data) => store.publish(inside(name), data),
    publishFile: async (name, path) => store.publishFile(inside(name), path),
    replaceFile: async (name, path) => store.replaceFile(inside(name), path),
    replaceFolder: async (name, path) => store.replaceFolder(inside(name), path),
    list,
    delete: async (name) => store.delete(inside(name)),
    deleteFolder: async (name) => store.deleteFolder(inside(name)),
    localPath: (name) => store.localPath(inside(name)),
    scratch: () => store.scratch(),
  };
  /** Checked before the prefix makes it look harmless. */
  function inside(name: string): string {
    return prefix + checkBlobName(name);
  }
}
