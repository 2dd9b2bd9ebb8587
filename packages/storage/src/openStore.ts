import { fileURLToPath } from "node:url";
import { UserError } from "@pairloom/config";
import { LocalStore } from "./localStore.js";
import type { Store } from "./store.js";

/**
 * Opens the store that a path or a file: URL names; a missing folder is made.
 * @param options.readOnly nothing is made or removed; the folder must be there
 * @throws UserError where the address names nothing that can be a store
 */
export async function openStore(urlOrPath: string, options: { readOnly?: boolean } = {}): Promise<Store> {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(urlOrPath)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (urlOrPath === "") {
      throw new UserError("store_address_empty", "No store was named", { hint: "Name a folder." });
    }
    return LocalStore.open(urlOrPath, options);
  }
  if (scheme === "file") return LocalStore.open(fileURLToPath(urlOrPath), options);
  throw new UserError("store_scheme_unknown", `Can't open ${urlOrPath}: no store for ${scheme}:// yet`, {
    hint: "Name a folder, or a file:// URL.",
  });
}
