import { chmod, lstat, mkdir, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

/** sun_path holds 108 bytes with its end mark on Linux, 104 on macOS. */
const maxSocketPathBytes = 103;

/** A new socket path in a private folder of the temporary folder (which may be short enough, else /tmp). */
export async function newSocketPath(temporaryFolder = tmpdir()): Promise<string> {
  const tail = "/pairloom-XXXXXX/redis.sock".length;
  const base = Buffer.byteLength(temporaryFolder) + tail <= maxSocketPathBytes ? temporaryFolder : "/tmp";
  const folder = await mkdtemp(join(await realpath(base), "pairloom-"));
  return join(folder, "redis.sock");
}

/** Makes a recorded socket's folder again where it was cleaned away; false where it isn't ours alone. */
export async function restoreSocketFolder(socketPath: string): Promise<boolean> {
  const folder = dirname(socketPath);
  await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
  const found = await lstat(folder).catch(() => null);
  if (!found?.isDirectory() || found.uid !== userInfo().uid) return false;
  await chmod(folder, 0o700);
  return true;
}

export async function removeSocketFolder(socketPath: string): Promise<void> {
  await rm(dirname(socketPath), { recursive: true, force: true });
}
