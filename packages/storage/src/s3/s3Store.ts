import { open, readdir, rm, unlink, mkdir } from "node:fs/promises";
import { setMaxListeners } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { UserError } from "@pairloom/config/errors";
import { checkBlobName, workFolder } from "../blobName.js";
import { type BlobInfo, BlobNotFoundError, type ListOptions, type Store } from "../store.js";
import { sweepWorkFiles, workFileName } from "../workFile.js";
import { ConditionalWrites } from "./conditionalWrites.js";
import { connectS3 } from "./connectS3.js";
import { cutParts, fileParts } from "./cutParts.js";
import { ResumingStream } from "./resumingStream.js";
import { s3Address } from "./s3Address.js";
import { S3Bucket, type Written } from "./s3Bucket.js";
import { backoffOf, s3Defaults, type S3Settings } from "./s3Settings.js";
import { maxParts, uploadInParts } from "./uploadInParts.js";

/** Small objects that are written or deleted at once. */
const manyAtOnce = 16;

/** A part of an S3 bucket as a store: each blob is an object. */
export class S3Store implements Store {
  readonly url: string;

  private constructor(
    private readonly bucket: S3Bucket,
    private readonly prefix: string,
    private readonly conditions: ConditionalWrites,
  ) {
    this.url = `s3://${bucket.bucket}/${prefix}`.replace(/\/$/, "");
  }

  /**
   * Opens a bucket, or the part of it below a folder, which need not be there. Unless it is only read, finds out whether
   * the service holds to conditional writes.
   * @throws UserError where there is no such bucket, no access to it, or no conditional writes
   */
  static async open(
    url: string,
    options: { readOnly?: boolean; signal?: AbortSignal; s3?: S3Settings } = {},
  ): Promise<S3Store> {
    const { bucket: name, prefix } = s3Address(url);
    const settings = { ...s3Defaults, ...options.s3 };
    const signal = options.signal ?? new AbortController().signal;
    // Every request under way listens.
    setMaxListeners(0, signal);
    const bucket = new S3Bucket(await connectS3(settings), name, settings, signal);
    const conditions = new ConditionalWrites(bucket, prefix);
    if (options.readOnly !== true) {
      await conditions.mustHold();
      await sweepWorkFiles(scratchRoot(), Date.now());
    } else {
      await mayRead(bucket, prefix);
    }
    return new S3Store(bucket, prefix, conditions);
  }

  async get(name: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of await this.read(name)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }

  async read(name: string, range: { start?: number; end?: number } = {}): Promise<Readable> {
    const key = this.keyOf(name);
    const { start = 0, end = Infinity } = range;
    if (!(start >= 0)) throw new RangeError(`Expected \`start\` to be 0 or more, got ${start}`);
    const missing = new BlobNotFoundError(name, this.url);
    if (start >= end) {
      if ((await this.bucket.head(key)) === null) throw missing;
      return Readable.from([]);
    }
    const wanted = { ...(start > 0 ? { start } : {}), ...(end < Infinity ? { end } : {}) };
    const first = await this.bucket.get(key, wanted);
    if (first === "missing") throw missing;
    if (first === "outOfRange" || first === "changed") return Readable.from([]);
    const { attempts, stallMs, backoffMs } = this.bucket.settings;
    return new ResumingStream(first.body, {
      start: first.start,
      end: first.end,
      reopen: async (at) => {
        const next = await this.bucket.get(key, { start: at, end: first.end, etag: first.etag });
        if (typeof next === "string") throw new Error(`${this.bucket.urlOf(key)} changed while it was read`);
        return next.body;
      },
      backoff: (number) => backoffOf(backoffMs, number),
      attempts,
      stallMs,
      checksum: first.checksum,
      where: this.bucket.urlOf(key),
    });
  }

  async stat(name: string): Promise<BlobInfo | null> {
    const found = await this.bucket.head(this.keyOf(name));
    return found === null ? null : { name, bytes: found.bytes };
  }

  async publish(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<"published" | "exists"> {
    const key = this.keyOf(name);
    const { partBytes } = this.bucket.settings;
    const parts = cutParts(data instanceof Uint8Array ? [data] : data, partBytes);
    return published(await this.write(key, parts, partBytes, true));
  }

  async publishFile(name: string, localPath: string): Promise<"published" | "exists"> {
    const written = await this.writeFile(this.keyOf(name), localPath, true);
    await unlink(localPath);
    return published(written);
  }

  async replaceFile(name: string, localPath: string): Promise<void> {
    await this.writeFile(this.keyOf(name), localPath, false);
    await unlink(localPath);
  }

  async replaceFolder(name: string, localPath: string): Promise<void> {
    checkBlobName(name);
    const files = await readdir(localPath, { recursive: true, withFileTypes: true });
    const names = files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name).slice(localPath.length + 1));
    const kept = new Set(names.map((inner) => `${name}/${inner}`));
    await this.each(names, (inner) => this.replaceFile(`${name}/${inner}`, join(localPath, inner)));
    await this.each(this.names(`${name}/`), (old) => (kept.has(old) ? Promise.resolve() : this.delete(old)));
    await rm(localPath, { recursive: true });
  }

  async deleteFolder(name: string): Promise<void> {
    await this.each(this.names(`${checkBlobName(name)}/`), (inner) => this.delete(inner));
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<BlobInfo, void> {
    if (prefix !== "") checkBlobName(prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
    let from: string | undefined;
    let last = Buffer.alloc(0);
    do {
      const page = await this.bucket.listPage(this.prefix + prefix, { isFlat: options.flat === true, from });
      from = page.next;
      for (const { key, bytes } of page.objects) {
        const name = key.slice(this.prefix.length);
        // What some tools make to show an empty folder is no blob.
        if (name.endsWith("/") || name === "" || name.startsWith(`${workFolder}/`)) continue;
        const now = Buffer.from(name);
        if (options.anyOrder !== true && Buffer.compare(last, now) >= 0)
          throw outOfOrder(this.url, last.toString(), name);
        last = now;
        yield { name, bytes };
      }
    } while (from !== undefined);
  }

  async delete(name: string): Promise<void> {
    await this.bucket.delete(this.keyOf(name));
  }

  localPath(name: string): null {
    checkBlobName(name);
    return null;
  }

  async scratch(): Promise<string> {
    const path = join(scratchRoot(), workFileName());
    await mkdir(path, { recursive: true, mode: 0o700 });
    return path;
  }

  private keyOf(name: string): string {
    return this.prefix + checkBlobName(name);
  }

  private async writeFile(key: string, localPath: string, onlyIfNew: boolean): Promise<Written> {
    const handle = await open(localPath, "r");
    try {
      const { size } = await handle.stat();
      const least = Math.ceil(size / maxParts / 2 ** 20) * 2 ** 20;
      const partBytes = Math.max(this.bucket.settings.partBytes, least);
      return await this.write(key, fileParts(handle, partBytes), partBytes, onlyIfNew);
    } finally {
      await handle.close();
    }
  }

  /** Writes an object in one request where it is one part, else in parts. */
  private async write(
    key: string,
    parts: AsyncGenerator<Uint8Array, void>,
    partBytes: number,
    onlyIfNew: boolean,
  ): Promise<Written> {
    try {
      const first = await parts.next();
      const part = first.done === true ? Buffer.alloc(0) : first.value;
      if (part.byteLength < partBytes) return await this.bucket.put(key, part, { onlyIfNew });
      if (onlyIfNew) {
        // Saves an upload that would come second.
        if ((await this.bucket.head(key)) !== null) return "exists";
        await this.conditions.mustHoldInParts();
      }
      return await uploadInParts(this.bucket, key, followed(part, parts), { onlyIfNew });
    } finally {
      await parts.return();
    }
  }

  private async *names(prefix: string): AsyncGenerator<string, void> {
    for await (const { name } of this.list(prefix, { anyOrder: true })) yield name;
  }

  private async each(
    names: Iterable<string> | AsyncIterable<string>,
    work: (name: string) => Promise<void>,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    for await (const name of names) {
      const one = work(name).finally(() => running.delete(one));
      one.catch(() => undefined);
      running.add(one);
      if (running.size >= manyAtOnce) await Promise.race(running);
    }
    await Promise.all(running);
  }
}

async function* followed<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T, void> {
  yield first;
  yield* rest;
}

const published = (written: Written) => (written === "written" ? "published" : "exists");

/** Where this user's work in progress lies, on this machine. */
const scratchRoot = () => join(tmpdir(), `pairloom-scratch-${process.getuid?.() ?? 0}`);

/** Says at once what is wrong with the address or the credentials; whoever may read objects but not list them may go on. */
async function mayRead(bucket: S3Bucket, prefix: string): Promise<void> {
  try {
    await bucket.listPage(prefix, { isFlat: false, from: undefined, maxKeys: 1 });
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "s3_access_denied") throw error;
  }
}

const outOfOrder = (url: string, before: string, after: string) =>
  new UserError("s3_unordered", `${url} lists "${after}" after "${before}": not in byte order`, {
    hint: "Directory buckets (S3 Express) and some services list so; use a general purpose bucket.",
  });
