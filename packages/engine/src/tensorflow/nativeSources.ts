import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the operations that are compiled into the binding. */
export const nativeFolder = fileURLToPath(new URL("../../native/", import.meta.url));

/** Hex sha256 of the operations' sources: a binding that was compiled from others does not fit this program. */
export function nativeFingerprint(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(nativeFolder).sort())
    hash.update(`${name}\n`).update(readFileSync(join(nativeFolder, name)));
  return hash.digest("hex");
}
