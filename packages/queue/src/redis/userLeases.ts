import { randomBytes } from "node:crypto";
import { mkdir, readdir, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isAlive, ownIdentity } from "@pairloom/storage/lock";

/** A file that says that this process uses the server of a folder; its name holds all: users/PID.TICKS.x */
export async function takeLease(folder: string): Promise<string> {
  const users = join(folder, "users");
  await mkdir(users, { recursive: true });
  const { pid, ticks } = ownIdentity();
  const path = join(users, `${pid}.${ticks}.${randomBytes(4).toString("hex")}`);
  await writeFile(path, "");
  return path;
}

export async function endLease(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

/** How many leases of living processes there are; those of dead ones are cleared away. */
export async function countLeases(folder: string): Promise<number> {
  const users = join(folder, "users");
  let count = 0;
  for (const name of await readdir(users).catch(() => [])) {
    const [pid, ticks] = name.split(".");
    if (pid === undefined || ticks === undefined || !/^\d+$/.test(pid)) continue;
    if (isAlive({ pid: Number(pid), ticks })) count += 1;
    else await unlink(join(users, name)).catch(() => undefined);
  }
  return count;
}
