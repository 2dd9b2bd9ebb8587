import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** A Redis-compatible server's program. */
export interface ServerProgram {
  path: string;
  /** Folders of shared libraries it needs beyond the system's. */
  libraryPath: string | null;
}

/** Where programs lie on Debian, Ubuntu and macOS: searched where the caller names no PATH. */
export const usualSearchPath =
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/homebrew/bin";

const names = ["valkey-server", "redis-server"];

/** The first valkey-server, else the first redis-server, of the folders of `searchPath` (written like PATH). */
export async function findServer(searchPath: string): Promise<ServerProgram | null> {
  for (const name of names) {
    const path = await findProgram(name, searchPath);
    if (path !== null) return { path, libraryPath: null };
  }
  return null;
}

/** The path of a program, or null where none of the folders holds it. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const folder of searchPath.split(delimiter)) {
    const path = join(folder, name);
    if (isAbsolute(folder) && (await isProgram(path))) return path;
  }
  return null;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
