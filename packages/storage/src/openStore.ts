import { fileURLToPath } from "node:url";
import { UserError } from "@pairloom/config/errors";
import { LocalStore } from "./localStore.js";
import type { S3Settings } from "./s3/s3Settings.js";
import type { Store } from "./store.js";

export interface OpenStoreOptions {
  /** Nothing is made or removed; a folder must be there. */
  readOnly?: boolean;
  /** Ends requests of a remote store that are under way. */
  signal?: AbortSignal;
  /** How s3: URLs are reached; by default as the AWS tools do (docs/storage.md). */
  s3?: S3Settings;
}

const schemeOf = (place: string): string | undefined =>
  /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(place)?.[1]?.toLowerCase();

/** True for an address with a scheme ("s3://…", "file:///…"): no path of this machine, and not to be resolved as one. */
export const isStoreUrl = (place: string): boolean => schemeOf(place) !== undefined;

/**
 * Opens the store that a path, a file: or an s3: URL names; a missing folder is made.
 * @throws UserError where the address names nothing that can be a store
 */
export async function openStore(urlOrPath: string, options: OpenStoreOptions = {}): Promise<Store> {
  const scheme = schemeOf(urlOrPath);
  if (scheme === undefined) {
    if (urlOrPath === "") {
      throw new UserError("store_address_empty", "No store was named", { hint: "Name a folder." });
    }
    return LocalStore.open(urlOrPath, options);
  }
  if (scheme === "file") return LocalStore.open(fileURLToPath(urlOrPath), options);
  if (scheme === "s3") {
    // Loaded when it is needed: the SDK takes a fifth of a second.
    const { S3Store } = await import("./s3/s3Store.js");
    return S3Store.open(urlOrPath, options);
  }
  throw new UserError("store_scheme_unknown", `Can't open ${urlOrPath}: no store for ${scheme}:// yet`, {
    hint: "Name a folder, a file:// URL or s3://BUCKET/FOLDER.",
  });
}
