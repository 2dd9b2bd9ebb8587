import { createHash, randomBytes } from "node:crypto";
import { lstat, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { bootId, isAlive, ownIdentity, processNamespace } from "./lock/processIdentity.js";

/** Leftovers of another machine can't be asked about; after this time without a change they are stale. */
const foreignStaleMs = 7 * 24 * 3600 * 1000;

const pattern = /^([0-9a-f]{12})-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{12}$/;

const digest = (text: string, digits: number) =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

/** Host name and process namespace: within one, a process id means one process. */
const ownSpace = (): string => digest(`${hostname()}\n${processNamespace()}`, 12);

const ownBoot = (): string => digest(bootId(), 8);

/** A new name for an unfinished file or folder; it says which process on which machine owns it. */
export function workFileName(): string {
  const { pid, ticks } = ownIdentity();
  return `${ownSpace()}-${ownBoot()}-${pid}-${ticks}-${randomBytes(6).toString("hex")}`;
}

/**
 * Removes what dead processes left in `folder`. What belongs to a living process, or to another machine within
 * the last seven days, stays, and so does anything that isn't ours by its name.
 * @returns how many leftovers were removed
 */
export async function sweepWorkFiles(folder: string, nowMs: number): Promise<number> {
  let swept = 0;
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  for (const name of names) {
    const match = pattern.exec(name);
    if (match === null) continue;
    const [, space, boot, pid = "", ticks = ""] = match;
    const path = join(folder, name);
    if (space === ownSpace()) {
      if (boot === ownBoot() && isAlive({ pid: Number(pid), ticks })) continue;
    } else {
      const info = await lstat(path).catch(() => null);
      if (info === null || nowMs - info.mtimeMs < foreignStaleMs) continue;
    }
    await rm(path, { recursive: true, force: true });
    swept++;
  }
  return swept;
}
