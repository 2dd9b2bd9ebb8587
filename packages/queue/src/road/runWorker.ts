import { setTimeout as sleep } from "node:timers/promises";
import { isDiskFull } from "@pairloom/config/errors";
import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job } from "bullmq";
import { z } from "zod";
import { jobSchemas, type JobData } from "./jobSchemas.js";
import { laneName } from "./lanes.js";
import type { QueueName } from "./queueNames.js";
import { RedisForgotError } from "./redisForgotError.js";
import { isRedisLoss } from "./redisLoss.js";
import type { Road } from "./road.js";

/** A job as its handler sees it. */
export interface RunningJob<Q extends QueueName> {
  id: string;
  /** Names the job among those of all queues: for `countOnce` and `seenOnce`. */
  key: string;
  data: JobData<Q>;
  /** Aborted when the worker stops or another worker may have taken the job: give up soon, by any error. */
  signal: AbortSignal;
  /** Shown by dashboards. */
  progress: (value: number | object) => Promise<void>;
  /** A line in the job's own log, for dashboards. */
  log: (line: string) => Promise<void>;
}

export type JobHandler<Q extends QueueName> = (job: RunningJob<Q>) => Promise<void>;

export interface WorkerOptions {
  /** Jobs at a time. */
  concurrency?: number;
  /** Serves this lane of the queue, not the queue itself. */
  lane?: string | undefined;
  log?: (message: string) => void;
  /** What no later job would survive either (a full disk, a Redis that lost its data): the worker has put its jobs back and rests. */
  onFatal?: (error: unknown) => void;
}

export interface RunningWorker {
  /**
   * Takes no more jobs, lets those that run finish for `graceMs`, then aborts them and puts them back.
   */
  stop(graceMs?: number): Promise<void>;
}

/** Thrown by a handler: another run of the job would end the same way, so there is none. */
export class FinalJobError extends UnrecoverableError {}

/** Thrown by a handler: what the job needs is still being made. It is run again a little later, which counts as no attempt. */
export class JobNotReadyError extends Error {}

const notReadyDelayMs = 1000;

/** Time for handlers to give up after their signal was aborted. */
const abortGraceMs = 5000;
/** Between two looks whether Redis still holds the project's queues. */
const epochEveryMs = 1000;

/**
 * Runs the jobs of a queue. A handler that throws is tried again with growing waits, up to the road's attempts; a job
 * whose worker was killed is run again, as often as it takes. So a handler may run twice for one job, even at the
 * same time: it publishes under names that depend on the job alone and counts with `countOnce`.
 */
export function runWorker<Q extends QueueName>(
  road: Road,
  queue: Q,
  handler: JobHandler<Q>,
  options: WorkerOptions = {},
): RunningWorker {
  const log = options.log ?? (() => undefined);
  const running = new Map<string, { id: string; controller: AbortController }>();
  let resting = false;
  const { tuning } = road;

  let forgotten = false;
  const putBack = async (job: Job, token: string | undefined): Promise<never> => {
    await job.moveToWait(token).catch((error: unknown) => {
      if (!forgotten) throw error; // otherwise there is no such job any more
    });
    throw new WaitingError();
  };

  /** Whatever job came next would meet the same: takes none, and tells. */
  const rest = (error: unknown): void => {
    if (resting) return;
    resting = true;
    void worker.pause(true);
    options.onFatal?.(error);
  };

  /** @returns false where nothing more can be done here */
  const remembers = async (): Promise<boolean> => {
    try {
      await road.checkEpoch();
    } catch (error) {
      if (!(error instanceof RedisForgotError)) return true; // Redis is away, or the store: it may come back
      forgotten = true;
      rest(error);
      for (const { controller } of running.values()) controller.abort(error);
    }
    return !forgotten;
  };
  let watch: NodeJS.Timeout | undefined;
  const look = () => {
    void remembers().then((isSo) => {
      if (isSo && stopping === null) watch = setTimeout(look, epochEveryMs).unref();
    });
  };

  const process = async (job: Job, token?: string): Promise<void> => {
    if (resting || !(await remembers())) return putBack(job, token);
    const id = job.id ?? "";
    const key = `${queue}/${id}`;
    const parsed = jobSchemas[queue].safeParse(job.data);
    if (!parsed.success) {
      await road.countOnce(`invalid/${key}`, { "jobs.invalid": 1 });
      throw new UnrecoverableError(`Not a job for the ${queue}: ${z.prettifyError(parsed.error)}`);
    }
    const controller = new AbortController();
    running.set(token ?? id, { id, controller });
    try {
      await handler({
        id,
        key,
        data: parsed.data as JobData<Q>,
        signal: controller.signal,
        progress: (value) => job.updateProgress(value),
        log: async (line) => void (await job.log(line)),
      });
    } catch (error) {
      if (isDiskFull(error)) {
        rest(error);
        return putBack(job, token);
      }
      if (resting) return putBack(job, token);
      if (error instanceof JobNotReadyError) {
        await job.moveToDelayed(Date.now() + notReadyDelayMs, token);
        throw new DelayedError();
      }
      if (isRedisLoss(error)) {
        await sleep(200);
        return putBack(job, token);
      }
      if (!controller.signal.aborted) log(`${queue} ${id} failed: ${messageOf(error)}`);
      throw error;
    } finally {
      running.delete(token ?? id);
    }
  };

  const connection = road.redis.connect();
  const worker = new Worker(laneName(queue, options.lane), process, {
    connection,
    prefix: road.prefix,
    concurrency: options.concurrency ?? 1,
    lockDuration: tuning.lockDurationMs,
    stalledInterval: tuning.stalledIntervalMs,
    maxStalledCount: 1_000_000_000,
    runRetryDelay: 500,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: tuning.keepFailed },
  });
  worker.on("error", (error) => {
    if (isDiskFull(error)) rest(error);
    else if (!isConnectionLoss(error)) log(`${queue} worker: ${messageOf(error)}`);
  });
  // Redis was away for longer than the lock holds: somebody else may run these jobs by now.
  worker.on("lockRenewalFailed", (ids) => {
    for (const { id, controller } of running.values()) {
      if (ids.includes(id)) controller.abort(new Error(`The lock of ${queue} job ${id} was lost`));
    }
  });

  let stopping: Promise<void> | null = null;
  look();
  const stop = async (graceMs: number): Promise<void> => {
    clearTimeout(watch);
    void worker.pause(true);
    await waitUntil(() => running.size === 0, graceMs);
    if (running.size > 0) {
      resting = true;
      for (const { controller } of running.values()) controller.abort(new Error(`The ${queue} stops`));
      await waitUntil(() => running.size === 0, abortGraceMs);
    }
    await Promise.race([worker.close(running.size > 0), sleep(5000, undefined, { ref: false })]);
    connection.disconnect();
  };
  return { stop: (graceMs = 10_000) => (stopping ??= stop(graceMs)) };
}

async function waitUntil(isTrue: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!isTrue() && Date.now() < deadline) await sleep(20);
}

/** Reported by the connection itself, once for each loss. */
function isConnectionLoss(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(code ?? "");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
