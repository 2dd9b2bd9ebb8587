import type { Job, Queue } from "bullmq";

/** Where a job stands in its queue. */
export interface JobPlace {
  state: "waiting" | "active" | "failed";
  /** Why it failed for good, or the last time. */
  reason: string | null;
  attempts: number;
  /** What its worker last said of it. */
  progress: unknown;
}

/** Null where the queue has no such job: it is done, or was never added. */
export async function jobPlace(queue: Queue, id: string): Promise<JobPlace | null> {
  const job = (await queue.getJob(id)) as Job | undefined;
  if (job === undefined) return null;
  const state = await job.getState();
  if (state === "unknown" || state === "completed") return null;
  return {
    state: state === "active" || state === "failed" ? state : "waiting",
    reason: job.failedReason ?? null,
    attempts: job.attemptsMade,
    progress: job.progress,
  };
}

/** Takes a job out of its queue unless a worker has it. @returns true where it is gone */
export async function removeJob(queue: Queue, id: string): Promise<boolean> {
  const job = (await queue.getJob(id)) as Job | undefined;
  return job === undefined || job.remove().then(() => true, stillLocked);
}

/** A job that a worker has is locked: it stays. */
function stillLocked(error: unknown): false {
  if (error instanceof Error && /lock/i.test(error.message)) return false;
  throw error;
}
