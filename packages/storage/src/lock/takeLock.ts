import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { DiskFullError, isDiskFull } from "@pairloom/config/errors";
import { HeldLock } from "./heldLock.js";
import { LeaseClock } from "./leaseClock.js";
import { LockFiles, type LockSight } from "./lockFiles.js";
import { holderText, judgeHolder, type LockHolder, ownHolder } from "./lockHolder.js";

/** Others think a holder gone that they can't look at and whose file has not changed for so long. */
export const defaultLeaseMs = 30_000;

/** What is known of a lock that could not be had at once. */
export interface LockWait {
  /** Null where the lock's file is empty, malformed or can't be read. */
  holder: LockHolder | null;
  /** The lock's current file. */
  path: string;
  /** False where the holder can't be looked at, and no heartbeat was seen yet. */
  alive: boolean;
}

export type LockOutcome =
  | { held: HeldLock; /** Whose lock it was, where that one never gave it back. */ followed: LockWait | null }
  | { held: null; takenBy: LockWait };

/** Remembers since when files have not changed, by this process's own clock; for callers that look now and then. */
export class LockWatch {
  private readonly seen = new Map<string, { sign: string; since: bigint; changes: number }>();

  /** @returns since when the file has not changed, and how often it has been seen to change */
  observe(path: string, sign: string): { unchangedMs: number; changes: number } {
    const now = LeaseClock.now().monotonic;
    let known = this.seen.get(path);
    if (known?.sign !== sign) {
      known = { sign, since: now, changes: known === undefined ? 0 : known.changes + 1 };
      this.seen.set(path, known);
    }
    return { unchangedMs: Number(now - known.since), changes: known.changes };
  }

  forget(path: string): void {
    this.seen.delete(path);
  }
}

export interface TakeLockOptions {
  /** How long to wait until the lock is free. */
  timeoutMs: number;
  /** Don't wait for a holder that lives; one of which that can't be said is watched, within the time above. */
  notForLiving?: boolean;
  /** Heartbeats come from a thread of their own, for holders that compute in theirs for long. */
  thread?: boolean;
  leaseMs?: number;
  watch?: LockWatch;
  signal?: AbortSignal;
  /** Called when the wait begins, and whenever what is known of the holder changes. */
  onWait?: (wait: LockWait) => void;
}

/**
 * Takes the lock `base` of a folder (a lock's name within it), for one process at a time on all machines that share the
 * folder. A dead process's lock is taken over at once where that process can be looked at: on this machine, in this container.
 * Of another the file is watched: its holder renews it every few seconds, and has lost the lock after a lease without.
 * @throws DiskFullError
 */
export async function takeLock(folder: string, base: string, options: TakeLockOptions): Promise<LockOutcome> {
  await mkdir(folder, { recursive: true });
  const { leaseMs = defaultLeaseMs, watch = new LockWatch(), onWait = () => undefined } = options;
  const files = new LockFiles(folder, base);
  const started = performance.now();
  let told: string | null = null;
  for (;;) {
    const seen = await standing(files, leaseMs, watch);
    if (seen.free) {
      const before = LeaseClock.now();
      const holder = ownHolder();
      if (claim(files, seen.next, holder)) {
        files.removeBelow(seen.next);
        const clock = new LeaseClock(leaseMs);
        clock.note(seen.next, before);
        if (seen.followed !== null) watch.forget(seen.followed.path);
        return {
          held: new HeldLock(files, clock, holder, { thread: options.thread ?? false }),
          followed: seen.followed,
        };
      }
      await sleep(5); // another was quicker
      continue;
    }
    const takenBy: LockWait = { holder: seen.holder, path: seen.path, alive: seen.alive };
    const waited = performance.now() - started;
    if (waited >= options.timeoutMs || (seen.alive && options.notForLiving === true))
      return { held: null, takenBy };
    const news = JSON.stringify(takenBy);
    if (news !== told) onWait(takenBy);
    told = news;
    // Quick at first: most locks are held for a moment.
    const pause = Math.min(leaseMs / 10, 500, 15 + waited / 20);
    await sleep(pause * (1 + Math.random()), undefined, { signal: options.signal });
  }
}

function claim(files: LockFiles, number: number, holder: LockHolder): boolean {
  try {
    return files.claim(number, holderText(holder));
  } catch (error) {
    throw isDiskFull(error) ? new DiskFullError(files.folder, error) : error;
  }
}

type Standing =
  | { free: true; next: number; followed: LockWait | null }
  | { free: false; holder: LockHolder | null; path: string; alive: boolean };

async function standing(files: LockFiles, leaseMs: number, watch: LockWatch): Promise<Standing> {
  for (;;) {
    const current = files.current();
    if (current === null) return { free: true, next: 1, followed: null };
    const next = current.number + 1;
    if (current.free) return { free: true, next, followed: null };
    const path = files.path(current.number);
    const sight = await files.look(current.number);
    if (sight === null) continue; // given back or followed just now
    const { holder } = sight;
    const state = await stateOf(files, path, sight, leaseMs, watch);
    if (state === "dead") return { free: true, next, followed: { holder, path, alive: false } };
    return { free: false, holder, path, alive: state === "alive" };
  }
}

async function stateOf(
  files: LockFiles,
  path: string,
  { holder, mtimeMs, sign, readable }: LockSight,
  leaseMs: number,
  watch: LockWatch,
): Promise<"alive" | "dead" | "unknown"> {
  const judged = holder === null ? "unknown" : judgeHolder(holder);
  if (judged !== "unknown") return judged;
  const { unchangedMs, changes } = watch.observe(path, sign);
  if (unchangedMs >= leaseMs) return "dead";
  // A file that names nobody is renewed by nobody: the file system's clock tells its age.
  if (holder === null && readable && ((await files.ageOf(mtimeMs)) ?? 0) >= leaseMs) return "dead";
  return changes > 0 ? "alive" : "unknown";
}

/** What can be said of a lock at one look, for those who only show it. */
export async function lookAtLock(
  folder: string,
  base: string,
): Promise<(LockWait & { mtimeMs: number }) | null> {
  const files = new LockFiles(folder, base);
  let current: ReturnType<LockFiles["current"]>;
  try {
    current = files.current();
  } catch {
    return null; // no such folder
  }
  if (current === null || current.free) return null;
  const sight = await files.look(current.number);
  if (sight === null) return null;
  const judged = sight.holder === null ? "unknown" : judgeHolder(sight.holder);
  if (judged === "dead") return null;
  return {
    holder: sight.holder,
    path: files.path(current.number),
    alive: judged === "alive",
    mtimeMs: sight.mtimeMs,
  };
}
