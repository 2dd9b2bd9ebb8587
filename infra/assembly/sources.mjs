import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The AssemblyScript of a folder: the files' names in order, and the hash that the compiled bytes are kept with. */
export function sourcesOf(folder) {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".as"))
    .sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(name).update(readFileSync(join(folder, name)));
  return { names, hash: hash.digest("hex") };
}
