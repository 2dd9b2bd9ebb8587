import type { Readable } from "node:stream";

export interface BlobInfo {
  name: string;
  bytes: number;
}

export interface ListOptions {
  /** Only names without a further slash: what lies in the folder, not below it. */
  flat?: boolean;
  /** The order doesn't matter: some S3 services have another than the bytes'. */
  anyOrder?: boolean;
}

/**
 * A store of named, immutable blobs. Names are relative POSIX paths ("segments/ab12.parquet").
 * A name appears whole or not at all, and is never replaced: of two writers the first wins.
 */
export interface Store {
  /** "file:///…" or "s3://bucket/prefix": for messages. */
  readonly url: string;
  /** The whole blob. @throws BlobNotFoundError */
  get(name: string): Promise<Buffer>;
  /** A stream of bytes start (inclusive) to end (exclusive). @throws BlobNotFoundError (at the call) */
  read(name: string, range?: { start?: number; end?: number }): Promise<Readable>;
  /** Size, or null where there is none. */
  stat(name: string): Promise<BlobInfo | null>;
  /** Writes beside and makes visible in one step; "exists" where somebody was first (theirs stays). @throws DiskFullError */
  publish(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<"published" | "exists">;
  /** Publishes a finished local file (it is moved or copied; the local name is gone afterwards). */
  publishFile(name: string, localPath: string): Promise<"published" | "exists">;
  /**
   * Puts a finished local file in the place of whatever has the name, in one step; the local name is gone afterwards.
   * For layouts that others fixed, where a name can't come from its content (docs/decisions/0011).
   */
  replaceFile(name: string, localPath: string): Promise<void>;
  /** As `replaceFile`, of a folder and all that is in it; not in one step, so something else must say that it is whole. */
  replaceFolder(name: string, localPath: string): Promise<void>;
  /** Names that begin with a prefix, in byte order. */
  list(prefix: string, options?: ListOptions): AsyncIterable<BlobInfo>;
  delete(name: string): Promise<void>;
  /** Deletes every blob whose name begins with `name` and a slash; not in one step. */
  deleteFolder(name: string): Promise<void>;
  /** A path on this machine that holds the blob, or null where the store isn't local. */
  localPath(name: string): string | null;
  /**
   * An empty folder on this machine for work in progress, on the same file system where the store is local; the caller
   * removes it.
   */
  scratch(): Promise<string>;
}

export class BlobNotFoundError extends Error {
  readonly code = "blob_not_found";
  constructor(
    readonly blobName: string,
    storeUrl: string,
  ) {
    super(`There is no "${blobName}" in ${storeUrl}`);
    this.name = "BlobNotFoundError";
  }
}
