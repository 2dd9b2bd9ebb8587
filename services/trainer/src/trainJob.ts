import type { Store } from "@pairloom/storage";

/** Runs one training in a process of its own and resolves with how it ended. */
export type SpawnTraining = (
  run: { folder: string; settings: Record<string, unknown> },
  signal: AbortSignal,
) => Promise<{ exitCode: number | null; message: string }>;

export interface TrainContext {
  store: Store;
  spawn: SpawnTraining;
}

/** A training that ended with an error: its run folder says more, and its checkpoints are still there. */
export class TrainingFailedError extends Error {
  readonly code = "training_failed";
}

/**
 * Runs one training job. The process goes on from the run folder's newest checkpoint, so a job that is run again
 * after a kill goes on where it stopped; one that is finished ends at once.
 * The training is a child process because a compiled step holds its thread: this one keeps the job's lock.
 */
export async function trainJob(
  { store, spawn }: TrainContext,
  job: { data: { run: string; settings: Record<string, unknown> }; signal: AbortSignal },
): Promise<void> {
  const folder = store.localPath(`runs/${job.data.run}`);
  if (folder === null)
    throw new TrainingFailedError(`A run needs a folder on this machine; ${store.url} is not local`);
  const { exitCode, message } = await spawn({ folder, settings: job.data.settings }, job.signal);
  job.signal.throwIfAborted(); // asked to stop: the job goes back, the next worker goes on from the checkpoint
  if (exitCode !== 0)
    throw new TrainingFailedError(message === "" ? `ended with exit code ${exitCode ?? "none"}` : message);
}
