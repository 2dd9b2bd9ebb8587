import { createReadStream } from "node:fs";
import { cp, link, mkdir, open, opendir, rename, rm, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config/errors";
import { checkBlobName, workFolder } from "./blobName.js";
import { listFolder } from "./listFolder.js";
import { type BlobInfo, BlobNotFoundError, type ListOptions, type Store } from "./store.js";
import { readWholeFile } from "./readWholeFile.js";
import { syncFolder } from "./syncFolder.js";
import { sweepWorkFiles, workFileName } from "./workFile.js";
import { writeAll } from "./writeAll.js";

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "";
const notThere = (error: unknown) => ["ENOENT", "ENOTDIR", "EISDIR"].includes(codeOf(error));

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const top = dirname(first);
  for (let at = dirname(path); at.length >= top.length; at = dirname(at)) {
    await syncFolder(at);
    if (dirname(at) === at) break;
  }
}

/** A folder of this machine as a store. Blobs are plain files; unfinished ones lie in `.tmp` and are not blobs. */
export class LocalStore implements Store {
  readonly url: string;

  private constructor(readonly root: string) {
    this.url = pathToFileURL(root).href;
  }

  /**
   * Opens (and makes, if needed) the folder, and removes what killed processes left unfinished.
   * @param options.readOnly nothing is made or removed; the folder must be there
   * @throws UserError where the path is no folder or can't be used
   */
  static async open(path: string, options: { readOnly?: boolean } = {}): Promise<LocalStore> {
    const root = resolve(path);
    try {
      if (options.readOnly !== true) await makeFolder(root);
      await (await opendir(root)).close();
      if (options.readOnly !== true) await sweepWorkFiles(join(root, workFolder), Date.now());
    } catch (error) {
      if (isDiskFull(error)) throw new DiskFullError(root, error);
      const hint =
        options.readOnly === true ? "Name a folder that is there." : "Name a folder that you may write to.";
      throw new UserError("store_unusable", `Can't use ${root} as a store: ${(error as Error).message}`, {
        hint,
        cause: error,
      });
    }
    return new LocalStore(root);
  }

  /** The path of a new unfinished file or folder; its folder is made when it is first needed. */
  private async newWorkPath(): Promise<string> {
    await mkdir(join(this.root, workFolder), { recursive: true });
    return join(this.root, workFolder, workFileName());
  }

  private pathOf(name: string): string {
    return join(this.root, checkBlobName(name));
  }

  async get(name: string): Promise<Buffer> {
    const path = this.pathOf(name);
    try {
      return await readWholeFile(path);
    } catch (error) {
      throw notThere(error) ? new BlobNotFoundError(name, this.url) : error;
    }
  }

  async read(name: string, range: { start?: number; end?: number } = {}): Promise<Readable> {
    const path = this.pathOf(name);
    const info = await this.stat(name);
    if (info === null) throw new BlobNotFoundError(name, this.url);
    const start = range.start ?? 0;
    const end = Math.min(range.end ?? info.bytes, info.bytes);
    if (!(start >= 0)) throw new RangeError(`Expected \`start\` to be 0 or more, got ${start}`);
    if (start >= end) return Readable.from([]);
    const handle = await open(path, "r").catch((error: unknown) => {
      throw notThere(error) ? new BlobNotFoundError(name, this.url) : error;
    });
    return createReadStream("", { fd: handle, start, end: end - 1, highWaterMark: 1 << 18 });
  }

  async stat(name: string): Promise<BlobInfo | null> {
    try {
      const info = await stat(this.pathOf(name));
      return info.isFile() ? { name, bytes: info.size } : null;
    } catch (error) {
      if (notThere(error)) return null;
      throw error;
    }
  }

  async publish(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<"published" | "exists"> {
    const path = this.pathOf(name);
    if ((await this.stat(name)) !== null) {
      if (!(data instanceof Uint8Array)) await data[Symbol.asyncIterator]().return?.();
      return "exists";
    }
    const work = await this.newWorkPath();
    try {
      const handle = await open(work, "wx");
      try {
        await writeAll(handle, data instanceof Uint8Array ? [data] : data);
        await handle.sync();
      } finally {
        await handle.close();
      }
      return await this.makeVisible(work, path);
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(`${name} in ${this.url}`, error) : error;
    } finally {
      await unlink(work).catch(() => {});
    }
  }

  async publishFile(name: string, localPath: string): Promise<"published" | "exists"> {
    const path = this.pathOf(name);
    let result: "published" | "exists";
    try {
      await syncFile(localPath);
      result = await this.makeVisible(localPath, path);
    } catch (error) {
      if (codeOf(error) !== "EXDEV") {
        throw isDiskFull(error) ? new DiskFullError(`${name} in ${this.url}`, error) : error;
      }
      result = await this.publish(name, createReadStream(localPath, { highWaterMark: 1 << 20 }));
    }
    await unlink(localPath);
    return result;
  }

  async replaceFile(name: string, localPath: string): Promise<void> {
    await this.replace(name, localPath, syncFile);
  }

  async replaceFolder(name: string, localPath: string): Promise<void> {
    await this.replace(name, localPath, () => this.deleteFolder(name));
  }

  /** Moves a file or folder to its name, over a copy where it lies on another file system. */
  private async replace(name: string, from: string, prepare: (path: string) => Promise<void>): Promise<void> {
    const path = this.pathOf(name);
    try {
      await makeFolder(dirname(path));
      await prepare(from);
      await rename(from, path).catch(async (error: unknown) => {
        if (codeOf(error) !== "EXDEV") throw error;
        const work = await this.newWorkPath();
        try {
          await cp(from, work, { recursive: true });
          await prepare(work);
          await rename(work, path);
        } finally {
          await rm(work, { recursive: true, force: true });
        }
        await rm(from, { recursive: true });
      });
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(`${name} in ${this.url}`, error) : error;
    }
    await syncFolder(dirname(path));
  }

  /** Gives a finished, synced file its second and final name, or finds that somebody was first. */
  private async makeVisible(finished: string, path: string): Promise<"published" | "exists"> {
    const folder = dirname(path);
    await makeFolder(folder);
    try {
      await link(finished, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") return "exists";
      if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error))) {
        throw new UserError("store_without_links", `The file system of ${this.root} has no hard links`, {
          hint: "Use a folder on a file system that has them (ext4, xfs, btrfs, apfs, nfs …).",
          cause: error,
        });
      }
      throw error;
    }
    await syncFolder(folder);
    return "published";
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<BlobInfo> {
    if (prefix !== "") checkBlobName(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
    return listFolder(this.root, prefix, { skip: workFolder, ...options });
  }

  async delete(name: string): Promise<void> {
    const path = this.pathOf(name);
    try {
      await unlink(path);
    } catch (error) {
      if (notThere(error)) return;
      throw error;
    }
    await syncFolder(dirname(path));
  }

  async deleteFolder(name: string): Promise<void> {
    const path = this.pathOf(name);
    if ((await this.stat(name)) !== null) return;
    await rm(path, { recursive: true, force: true });
    await syncFolder(dirname(path)).catch((error: unknown) => {
      if (!notThere(error)) throw error;
    });
  }

  localPath(name: string): string {
    return this.pathOf(name);
  }

  async scratch(): Promise<string> {
    const path = await this.newWorkPath();
    await mkdir(path);
    return path;
  }
}
