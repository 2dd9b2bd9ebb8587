import { setTimeout as sleep } from "node:timers/promises";
import { DiskFullError } from "@pairloom/config";
import { FinalJobError } from "@pairloom/queue";
import type { Store } from "@pairloom/storage";
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
  const report = setInterval(() => {
    void context
      .readProgress(run)
      .then((value) => job.progress(value))
      .catch(ignore);
  }, progressEveryMs);
  try {
    const hold = await untilFree(context, wished.job.device, job, signal);
    let end: TrainingEnd;
    try {
      job.signal.throwIfAborted();
      if (hold === null) return; // overtaken while it waited
      await job.log(`started on ${wished.job.device}`);
      end = await spawnUnlocked(context, wished.job, folder, hold, signal);
    } finally {
      await hold?.release();
    }
    await context
      .readProgress(run)
      .then((value) => job.progress(value))
      .catch(ignore);
    if (overtaken) return void (await job.log("ended: another wish came"));
    job.signal.throwIfAborted(); // asked to stop: the job goes back, the next worker goes on from the checkpoint
    judge(end, folder);
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
      await job.progress({});
      return held;
    }
    if (!waits) await job.progress({ waitsFor: device });
    waits = true;
    await sleep(busyPollMs, undefined, { signal }).catch(ignore);
  }
  return null;
}

/** A process that a killed trainer left behind may still be writing its last checkpoint: the run's folder is free in a moment. */
async function spawnUnlocked(
  context: TrainContext,
  job: RunJob,
  folder: string,
  hold: DeviceHold,
  signal: AbortSignal,
): Promise<TrainingEnd> {
  for (;;) {
    const onStart = (pid: number) => void hold.use(pid).catch(ignore);
    const end = await context.spawn({ job, folder, onStart }, signal);
    if (end.error?.code !== "run_locked" || signal.aborted) return end;
    await sleep(busyPollMs, undefined, { signal }).catch(ignore);
  }
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
