import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { lstat, readdir, rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

/** Leftovers of another machine can't be asked about; after this time without a change they are stale. */
const foreignStaleMs = 7 * 24 * 3600 * 1000;

const pattern = /^([0-9a-f]{12})-([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{12}$/;

function readOr(fallback: string, read: () => string): string {
  try {
    return read();
  } catch {
    return fallback;
  }
}

const digest = (text: string, digits: number) =>
  createHash("sha256").update(text).digest("hex").slice(0, digits);

/** When a process began, in the kernel's ticks since boot; null where that can't be known (no /proc, or no such process). */
function startTicks(pid: number): string | null {
  const stat = readOr("", () => readFileSync(`/proc/${pid}/stat`, "latin1"));
  // The second field is the command in parentheses and may hold anything, so count from its end.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

/** Host name and process namespace: within one, a process id means one process. */
function processSpace(): string {
  return digest(`${hostname()}\n${readOr("", () => readlinkSync("/proc/self/ns/pid"))}`, 12);
}

function bootId(): string {
  return digest(
    readOr("", () => readFileSync("/proc/sys/kernel/random/boot_id", "latin1")),
    8,
  );
}

/** A new name for an unfinished file or folder; it says which process on which machine owns it. */
export function workFileName(): string {
  const start = startTicks(process.pid) ?? "0";
  return `${processSpace()}-${bootId()}-${process.pid}-${start}-${randomBytes(6).toString("hex")}`;
}

function isAlive(pid: number, start: string): boolean {
  const now = startTicks(pid);
  if (now !== null && start !== "0") return now === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
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
    const [, space, boot, pid = "", start = ""] = match;
    const path = join(folder, name);
    if (space === processSpace()) {
      if (boot === bootId() && isAlive(Number(pid), start)) continue;
    } else {
      const info = await lstat(path).catch(() => null);
      if (info === null || nowMs - info.mtimeMs < foreignStaleMs) continue;
    }
    await rm(path, { recursive: true, force: true });
    swept++;
  }
  return swept;
}
