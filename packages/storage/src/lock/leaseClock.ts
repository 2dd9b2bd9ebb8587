import { utimesSync } from "node:fs";
import type { LockFiles } from "./lockFiles.js";

/** A moment by two clocks, in ms: the monotonic one stands still while a machine sleeps, the other can be set back. */
interface Moment {
  wall: bigint;
  monotonic: bigint;
}

const cells = { number: 0, wall: 1, monotonic: 2 };

/** When a lock's holder last renewed its file, in memory that the holder's threads share. */
export class LeaseClock {
  private readonly shared: BigInt64Array;

  /** @param leaseMs others think a holder gone whose file has not changed for so long */
  constructor(
    readonly leaseMs: number,
    readonly memory = new SharedArrayBuffer(3 * 8),
  ) {
    this.shared = new BigInt64Array(memory);
  }

  static now(): Moment {
    return { wall: BigInt(Date.now()), monotonic: process.hrtime.bigint() / 1_000_000n };
  }

  /** The number of the file that is held. */
  get number(): number {
    return Number(Atomics.load(this.shared, cells.number));
  }

  /** @param before a moment before the file was made or renewed */
  note(number: number, before: Moment): void {
    Atomics.store(this.shared, cells.number, BigInt(number));
    Atomics.store(this.shared, cells.wall, before.wall);
    Atomics.store(this.shared, cells.monotonic, before.monotonic);
  }

  /** True where half of the lease passed without a heartbeat: soon others may think this process gone, or have thought so. */
  isOverdue(): boolean {
    const now = LeaseClock.now();
    const most = BigInt(Math.ceil(this.leaseMs / 2));
    const since = (cell: number, at: bigint) => at - Atomics.load(this.shared, cell);
    return since(cells.wall, now.wall) > most || since(cells.monotonic, now.monotonic) > most;
  }
}

/** Renews the held file, unless that is overdue: then the holder must take the lock anew before it goes on. */
export function beat(files: LockFiles, clock: LeaseClock): void {
  if (clock.isOverdue()) return;
  const { number } = clock;
  const before = LeaseClock.now();
  const time = new Date();
  try {
    utimesSync(files.path(number), time, time);
  } catch {
    return; // followed, or its disk can't be reached: overdue in a while
  }
  // The holder's thread may have moved on to the next number meanwhile.
  if (clock.number === number) clock.note(number, before);
}
