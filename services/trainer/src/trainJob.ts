import { setTimeout as sleep } from "node:timers/promises";
import { DiskFullError } from "@pairloom/config";
import { FinalJobError } from "@pairloom/queue";
import type { Store } from "@pairloom/storage";
import { defaultLeaseMs, holderName, type LockWait, runLockName, takeLock } from "@pairloom/storage/lock";
import type { DeviceHold } from "./deviceLock.js";
import { isOvertaken, readRunJob, type RunJob } from "./runJob.js";

/** How a training's process ended. */
export interface TrainingEnd {
  /** Null where a signal ended it. */
  exitCode: number | null;
  signal: string | null;
  /** "finished" or "stopped" (asked to, with a checkpoint written); null where it failed. */
  status: "finished" | "stopped" | null;
  /** Why it failed. */
  error: { code: string; message: string; hint: string | null } | null;
}

/** Runs one training in a process of its own; an abort asks it to write a checkpoint and end. */
export type SpawnTraining = (
  training: { job: RunJob; folder: string; onStart: (pid: number) => void },
  signal: AbortSignal,
) => Promise<TrainingEnd>;

export interface TrainContext {
  store: Store;
  spawn: SpawnTraining;
  /** Where a run's training stands, for the queue's dashboards. */
  readProgress: (run: string) => Promise<object>;
  /** Holds the job's device on this machine; null while others do. */
  hold: (device: string) => Promise<DeviceHold | null>;
  /** After how long without a sign of life the lock of a process elsewhere has expired. */
  leaseMs?: number | undefined;
}

export interface TrainingJob {
  data: { run: string; wish: number };
  signal: AbortSignal;
  progress: (value: object) => Promise<void>;
  log: (line: string) => Promise<void>;
}

const wishPollMs = 300;
const progressEveryMs = 3000;
const busyPollMs = 500;
const firstBackoffMs = 1000;
const lastBackoffMs = 60_000;

/** What to do about a run that another process has. */
export const lockedAdvice = "Wait until that one ends, stop it there, or cancel this job";

/** What a job waits for, beside its progress; undefined takes it back. */
interface Waits {
  /** The device that another training is on. */
  waitsFor?: string | undefined;
  /** Who trains in the run's folder. */
  lockedBy?: string | undefined;
}

/** A training that ended with an error that another run would meet again. */
export class TrainingFailedError extends FinalJobError {
  readonly code = "training_failed";
}

/**
 * Runs the training that a wish asks for, until it is finished or another wish overtakes this one (pause, cancel). Then its
 * process is asked to write a checkpoint and end, and the job is done: what comes next follows from the newest wish.
 * The process goes on from the run's newest checkpoint, so a job that is run again after a kill goes on where it stopped.
 * The training is a child process because a step holds its thread: this one keeps the job's lock.
 */
export async function trainJob(context: TrainContext, job: TrainingJob): Promise<void> {
  const { store } = context;
  const { run, wish } = job.data;
  const wished = await readRunJob(store, run);
  if (wished === null) throw new TrainingFailedError(`There is no training job in runs/${run}`);
  if (wished.wish !== "train" || wished.train !== wish) return; // overtaken before it began
  const folder = store.localPath(`runs/${run}`);
  if (folder === null)
    throw new TrainingFailedError(`A run needs a folder on this machine; ${store.url} is not local`);

  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, job.signal]);
  let overtaken = false;
  const watch = setInterval(() => {
    void isOvertaken(store, run, wished.number).then((isSo) => {
      if (!isSo) return;
      overtaken = true;
      stop.abort(new Error("another wish overtook this one"));
    }, ignore);
  }, wishPollMs);
  const waits: Waits = { waitsFor: undefined, lockedBy: undefined };
  const tell = async () => job.progress({ ...(await context.readProgress(run)), ...waits });
  const report = setInterval(() => void tell().catch(ignore), progressEveryMs);
  const told: TrainingJob = {
    ...job,
    progress: async (value) => {
      Object.assign(waits, value);
      await job.progress(waits);
    },
  };
  try {
    let end: TrainingEnd | null;
    do {
      const hold = await untilFree(context, wished.job.device, told, signal);
      try {
        job.signal.throwIfAborted();
        if (hold === null) return; // overtaken while it waited
        await job.log(`started on ${wished.job.device}`);
        end = await trainHolding(context, wished.job, folder, hold, told, signal);
      } finally {
        await hold?.release();
      }
    } while (end === null && !signal.aborted);
    await tell().catch(ignore);
    if (overtaken) return void (await job.log("ended: another wish came"));
    job.signal.throwIfAborted(); // asked to stop: the job goes back, the next worker goes on from the checkpoint
    if (end !== null) judge(end, folder);
    await job.log("finished");
  } finally {
    clearInterval(watch);
    clearInterval(report);
  }
}

/** Waits for the device; another project's training, or one that a killed trainer left behind, may be on it. */
async function untilFree(
  { hold }: TrainContext,
  device: string,
  job: TrainingJob,
  signal: AbortSignal,
): Promise<DeviceHold | null> {
  for (let waits = false; !signal.aborted;) {
    const held = await hold(device);
    if (held !== null) {
      await job.progress({ waitsFor: undefined }); // also what a killed trainer said of the job
      return held;
    }
    if (!waits) await job.progress({ waitsFor: device });
    waits = true;
    await sleep(busyPollMs, undefined, { signal }).catch(ignore);
  }
  return null;
}

/**
 * Trains while this process has the device. The run's folder may be another's: a process that a killed trainer left behind
 * writes its last checkpoint there, or somebody trains it elsewhere. No process is started while that one lives.
 *
 * @returns null where a wish overtook this one before the training began, or the device is another's meanwhile
 */
async function trainHolding(
  context: TrainContext,
  training: RunJob,
  folder: string,
  hold: DeviceHold,
  job: TrainingJob,
  outer: AbortSignal,
): Promise<TrainingEnd | null> {
  const signal = AbortSignal.any([outer, hold.lost]);
  const onStart = (pid: number) => {
    try {
      hold.use(pid);
    } catch {
      // the device is another's: `lost` says so
    }
  };
  for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(2 * backoffMs, lastBackoffMs)) {
    if (!(await untilUnlocked(folder, job, signal, context.leaseMs))) return null;
    const end = await context.spawn({ job: training, folder, onStart }, signal);
    if (hold.lost.aborted) return null;
    if (end.error?.code !== "run_locked" || signal.aborted) return end;
    // another was quicker in the moment between
    await job.log(`${end.error.message}: tried again in ${backoffMs / 1000} s`);
    await sleep(backoffMs, undefined, { signal }).catch(ignore);
  }
}

/** @returns false where it was aborted first */
async function untilUnlocked(
  folder: string,
  job: TrainingJob,
  signal: AbortSignal,
  leaseMs = defaultLeaseMs,
): Promise<boolean> {
  let waited = false;
  const onWait = ({ holder, alive }: LockWait) => {
    waited = true;
    const lockedBy = holderName(holder);
    const how = alive ? "" : "; it can't be looked at from here and is watched for a sign of life";
    void job.progress({ lockedBy }).catch(ignore);
    void job.log(`waits: the run is locked by ${lockedBy}${how}. ${lockedAdvice}`).catch(ignore);
  };
  try {
    const outcome = await takeLock(folder, runLockName, { timeoutMs: Infinity, leaseMs, signal, onWait });
    if (outcome.held === null) return false;
    await outcome.held.release(); // the training takes it itself
    if (outcome.followed !== null)
      await job.log(`took over the run's lock from ${holderName(outcome.followed.holder)}, which is gone`);
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
  if (waited) await job.progress({ lockedBy: undefined });
  return true;
}

/** @throws where the training did not reach its end: a final error where it would fail again, another where it may go on */
function judge({ exitCode, signal, status, error }: TrainingEnd, folder: string): void {
  if (exitCode === 0 && status === "finished") return;
  if (error?.code === "disk_full") throw new DiskFullError(folder);
  if (error !== null)
    throw new TrainingFailedError(error.hint === null ? error.message : `${error.message}. ${error.hint}`);
  const how = signal === null ? `with exit code ${exitCode ?? "none"}` : `by ${signal}`;
  throw new Error(`The training's process ended ${how} before its last step`);
}

function ignore(): void {}
