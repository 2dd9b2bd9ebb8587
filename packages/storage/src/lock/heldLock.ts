import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config/errors";
import type { HeartbeatThreadData } from "./heartbeatThread.js";
import { beat, LeaseClock } from "./leaseClock.js";
import type { LockFiles } from "./lockFiles.js";
import { holderText, judgeHolder, type LockHolder } from "./lockHolder.js";
import { identify } from "./processIdentity.js";

/** The lock is another's: this process stood still for longer than a lease, or could not reach the lock's folder. */
export class LockLostError extends UserError {
  constructor(path: string, leaseMs: number) {
    super("lock_lost", `The lock ${path} is no longer this process's`, {
      hint:
        `Was it stopped, or its disk out of reach, for more than ${leaseMs / 1000} seconds? ` +
        "Another process has taken over, or somebody removed the lock. Nothing more was written.",
    });
    this.name = "LockLostError";
  }
}

export interface HeldLockOptions {
  /** Heartbeats come from a thread of their own, for holders that compute in theirs for long. */
  thread: boolean;
}

/** A lock that this process holds. It renews its file, so that others on other machines see that it lives. */
export class HeldLock {
  private readonly gone = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private thread: Worker | null = null;

  /** @param clock has noted the number that was claimed */
  constructor(
    private readonly files: LockFiles,
    private readonly clock: LeaseClock,
    private holder: LockHolder,
    { thread }: HeldLockOptions,
  ) {
    this.timer = setInterval(() => this.keep(), clock.leaseMs / 6);
    this.timer.unref();
    if (thread) this.startThread();
  }

  /** The lock's current file. */
  get path(): string {
    return this.files.path(this.clock.number);
  }

  /** Aborted with a LockLostError as reason once the lock is another's. */
  get lost(): AbortSignal {
    return this.gone.signal;
  }

  /**
   * To be called before each write that the lock guards. Costs nothing while heartbeats come in time. A holder that stood
   * still takes the lock anew, by the next number, and goes on; where another was quicker, it has lost it.
   * @throws LockLostError, DiskFullError
   */
  assertHeld(): void {
    if (!this.gone.signal.aborted && this.clock.isOverdue()) this.reclaim();
    this.gone.signal.throwIfAborted();
  }

  /** Another process of this machine keeps the lock to its end, also where this one is gone. */
  shareWith(pid: number): void {
    const other = identify(pid);
    if (other === null) return;
    this.assertHeld();
    this.holder = { ...this.holder, processes: [this.holder.processes[0]!, other] };
    this.files.rewrite(this.clock.number, holderText(this.holder));
  }

  /** Gives the lock back, or leaves it to the process that it is shared with, where that one lives. */
  async release(): Promise<void> {
    clearInterval(this.timer);
    await this.thread?.terminate();
    if (this.gone.signal.aborted) return;
    const others = this.holder.processes.slice(1);
    const left: LockHolder = { ...this.holder, processes: others };
    if (others.length > 0 && judgeHolder(left) !== "dead") {
      try {
        return this.files.rewrite(this.clock.number, holderText(left));
      } catch {
        // No room for its name: given back too early is better than kept for ever.
      }
    }
    this.files.giveBack(this.clock.number);
  }

  private reclaim(): void {
    const next = this.clock.number + 1;
    const before = LeaseClock.now();
    let claimed: boolean;
    try {
      claimed =
        this.files.current()?.number === this.clock.number && this.files.claim(next, holderText(this.holder));
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(this.files.folder, error) : error;
    }
    if (!claimed) return this.lose();
    this.clock.note(next, before);
    this.files.removeBelow(next);
  }

  private keep(): void {
    try {
      if (this.thread === null) beat(this.files, this.clock);
      if (this.clock.isOverdue()) this.reclaim();
      else if (this.files.current()?.number !== this.clock.number) this.lose();
    } catch {
      // The folder can't be reached or written now: tried again at the next beat, and told by assertHeld.
    }
  }

  private lose(): void {
    clearInterval(this.timer);
    this.gone.abort(new LockLostError(this.path, this.clock.leaseMs));
    void this.thread?.terminate();
  }

  private startThread(): void {
    const { folder, base } = this.files;
    const { leaseMs, memory } = this.clock;
    const workerData: HeartbeatThreadData = { folder, base, leaseMs, memory };
    const file = createRequire(import.meta.url).resolve("@pairloom/storage/threads/heartbeat");
    const worker = new Worker(file, { workerData, name: "pairloom-heartbeat", execArgv: [] });
    worker.unref();
    const end = () => (this.thread = null); // the timer beats instead
    worker.on("error", end);
    worker.on("exit", end);
    this.thread = worker;
  }
}
