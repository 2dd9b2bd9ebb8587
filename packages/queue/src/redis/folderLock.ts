import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, ownIdentity, processSpace, type ProcessIdentity } from "./processIdentity.js";

interface Holder extends ProcessIdentity {
  space: string;
}

/** A lock of a process that cannot be looked at from here (another container) is believed for so long. */
const foreignBeliefMs = 60_000;

/**
 * Runs `work` while no other process (or call) runs under the same folder's lock.
 * The lock of a process that died is taken over at once.
 *
 * How: lock files are numbered; the highest is the current one (`.free` when it was given back), and is never deleted,
 * only followed by the next number, which one process alone can create. So two that see the same dead holder cannot both follow it.
 * @throws Error when the lock stays taken for `timeoutMs`
 */
export async function withFolderLock<T>(
  folder: string,
  work: () => Promise<T>,
  options: { timeoutMs?: number } = {},
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const held = await acquire(folder, options.timeoutMs ?? 600_000);
  try {
    return await work();
  } finally {
    // Needs no room on the disk, so that a full one leaves no lock behind.
    await rename(join(folder, fileName(held)), join(folder, `${fileName(held)}.free`));
  }
}

async function acquire(folder: string, timeoutMs: number): Promise<number> {
  const deadline = Date.now() + timeoutMs;
  const me: Holder = { ...ownIdentity(), space: processSpace() };
  for (;;) {
    const current = await highest(folder);
    if (current === 0 || !(await isTaken(folder, current))) {
      const next = current + 1;
      if (await create(folder, next, JSON.stringify(me))) {
        if ((await highest(folder)) === next) {
          await removeOlder(folder, next);
          return next;
        }
        // What was seen as the highest had been followed meanwhile: this number is of the past.
        await unlink(join(folder, fileName(next))).catch(() => undefined);
      }
    }
    if (Date.now() > deadline) {
      throw new Error(`The lock of ${folder} was not free for ${Math.round(timeoutMs / 1000)} seconds`);
    }
    await sleep(15 + Math.random() * 25);
  }
}

const fileName = (number: number) => `lock.${number}`;

async function numbers(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir(folder)) {
    const match = /^lock\.(\d+)(\.free)?$/.exec(name);
    if (match) found.push(Number(match[1]));
  }
  return found;
}

const highest = async (folder: string) => Math.max(0, ...(await numbers(folder)));

async function isTaken(folder: string, number: number): Promise<boolean> {
  const path = join(folder, fileName(number));
  try {
    const holder = JSON.parse(await readFile(path, "utf8")) as Holder;
    if (holder.space === processSpace()) return isAlive(holder);
    return Date.now() - (await stat(path)).mtimeMs < foreignBeliefMs;
  } catch {
    return false; // free, or gone
  }
}

/** Appears whole or not at all; false where the number is taken. */
async function create(folder: string, number: number, text: string): Promise<boolean> {
  const beside = join(folder, `.lock-${randomBytes(6).toString("hex")}`);
  try {
    await writeFile(beside, text);
    await link(beside, join(folder, fileName(number)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await unlink(beside).catch(() => undefined);
  }
}

async function removeOlder(folder: string, number: number): Promise<void> {
  for (const older of await numbers(folder)) {
    if (older >= number) continue;
    await rm(join(folder, fileName(older)), { force: true });
    await rm(join(folder, `${fileName(older)}.free`), { force: true });
  }
}
