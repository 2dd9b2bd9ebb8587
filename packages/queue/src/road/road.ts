import { createHash } from "node:crypto";
import { Queue, type Job } from "bullmq";
import type { Redis } from "ioredis";
import type { RedisHandle } from "../redis/openRedis.js";
import { bindScript } from "../scripts/redisScript.js";
import { roadCountsScript } from "../scripts/roadCounts-1.js";
import { Funnel } from "./funnel.js";
import { jobSchemas, type JobData } from "./jobSchemas.js";
import { queueNames, type QueueName } from "./queueNames.js";
import { persist } from "./redisLoss.js";
import { defaultTuning, type RoadTuning } from "./roadTuning.js";
import { SeenSets } from "./seenSets.js";

/** A job to add: of two with the same id in a queue the second is ignored while the first is there. */
export interface NewJob<Q extends QueueName> {
  id: string;
  data: JobData<Q>;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  paused: boolean;
}

export interface FailedJob {
  queue: QueueName;
  id: string;
  data: unknown;
  reason: string;
  attempts: number;
  failedAt: number;
}

/** The queues of a project with its counters and what it has seen, over one Redis connection. */
export interface Road {
  readonly project: string;
  /** Prefix of all keys of the project, e.g. "pl:{demo}". */
  readonly prefix: string;
  readonly redis: RedisHandle;
  readonly tuning: RoadTuning;
  add<Q extends QueueName>(queue: Q, jobs: readonly NewJob<Q>[]): Promise<void>;
  counts(): Promise<Record<QueueName, QueueCounts>>;
  /** No job waits, runs or is put off anywhere (failed ones don't count). A look at one moment. */
  isIdle(queues?: readonly QueueName[]): Promise<boolean>;
  failedJobs(queues?: readonly QueueName[]): Promise<FailedJob[]>;
  /** Puts failed jobs back with all their attempts. @returns how many */
  retryFailed(queues?: readonly QueueName[]): Promise<number>;
  /** No worker takes new jobs until `resume`; running ones finish. */
  pause(queues?: readonly QueueName[]): Promise<void>;
  resume(queues?: readonly QueueName[]): Promise<void>;
  countOnce(jobKey: string, counts: Readonly<Record<string, number>>): Promise<boolean>;
  readFunnel(): Promise<Record<string, number>>;
  seenOnce(jobKey: string, setName: string, hashes: readonly Uint8Array[]): Promise<Uint8Array>;
  forgetAnswer(jobKey: string, setName: string): Promise<void>;
  /** The BullMQ queues, for dashboards. */
  readonly queues: Readonly<Record<QueueName, Queue>>;
  /** Closes the queues and the road's connection; the RedisHandle stays open. */
  close(): Promise<void>;
}

/** Jobs sent to Redis in one go. */
const addBatch = 500;

export async function openRoad(
  redis: RedisHandle,
  project: string,
  tuning: Partial<RoadTuning> = {},
): Promise<Road> {
  return new OpenRoad(redis, project, { ...defaultTuning, ...tuning });
}

/** An id that fits any job: short, no colon, not a number, the same for the same parts. */
export function jobId(...parts: readonly (string | number)[]): string {
  return `j${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 24)}`;
}

class OpenRoad implements Road {
  readonly prefix: string;
  readonly queues: Readonly<Record<QueueName, Queue>>;
  readonly #connection: Redis;
  #isClosed = false;
  readonly #funnel: Funnel;
  readonly #seen: SeenSets;
  readonly #roadCounts: (...args: (string | number | Buffer)[]) => Promise<unknown>;

  constructor(
    readonly redis: RedisHandle,
    readonly project: string,
    readonly tuning: RoadTuning,
  ) {
    this.prefix = `pl:{${project}}`;
    this.#connection = redis.connect();
    this.#funnel = new Funnel(this.#connection, this.prefix, tuning.countedTtlMs);
    this.#seen = new SeenSets(this.#connection, this.prefix);
    this.#roadCounts = bindScript(this.#connection, roadCountsScript);
    this.queues = Object.fromEntries(
      queueNames.map((name) => [name, this.#openQueue(name)]),
    ) as unknown as Record<QueueName, Queue>;
  }

  #openQueue(name: QueueName): Queue {
    const { attempts, backoffMs, keepFailed } = this.tuning;
    const queue = new Queue(name, {
      connection: this.#connection,
      prefix: this.prefix,
      streams: { events: { maxLen: 1000 } },
      defaultJobOptions: {
        attempts,
        backoff: { type: "exponential", delay: backoffMs },
        removeOnComplete: true,
        removeOnFail: { count: keepFailed },
        stackTraceLimit: 10,
        keepLogs: 100,
        sizeLimit: 1_000_000,
      },
    });
    // The connection's own listener reports; without one here an error would end the process.
    queue.on("error", () => undefined);
    return queue;
  }

  async add<Q extends QueueName>(queue: Q, jobs: readonly NewJob<Q>[]): Promise<void> {
    const schema = jobSchemas[queue];
    const checked = jobs.map(({ id, data }) => {
      if (id.includes(":") || /^-?\d+$/.test(id) || id === "") {
        throw new RangeError(`Expected a job id without ":" that is not a number, got ${JSON.stringify(id)}`);
      }
      return { name: queue, data: schema.parse(data), opts: { jobId: id } };
    });
    for (let at = 0; at < checked.length; at += addBatch) {
      const batch = checked.slice(at, at + addBatch);
      await persist(
        () => this.queues[queue].addBulk(batch),
        () => this.#isClosed,
      );
    }
  }

  async counts(): Promise<Record<QueueName, QueueCounts>> {
    const flat = (await this.#roadCounts(this.prefix, ...queueNames)) as number[];
    const entries = queueNames.map((name, at): [QueueName, QueueCounts] => {
      const [waiting = 0, prioritized = 0, active = 0, delayed = 0, parents = 0, failed = 0, paused = 0] =
        flat.slice(at * 7, at * 7 + 7);
      return [
        name,
        { waiting: waiting + prioritized, active, delayed: delayed + parents, failed, paused: paused === 1 },
      ];
    });
    return Object.fromEntries(entries) as Record<QueueName, QueueCounts>;
  }

  async isIdle(queues: readonly QueueName[] = queueNames): Promise<boolean> {
    const counts = await this.counts();
    return queues.every((name) => {
      const { waiting, active, delayed } = counts[name];
      return waiting + active + delayed === 0;
    });
  }

  async *#failed(queues: readonly QueueName[]): AsyncGenerator<[QueueName, Job]> {
    const page = 500;
    for (const name of queues) {
      const jobs: Job[] = [];
      for (let at = 0; ; at += page) {
        const some = (await this.queues[name].getJobs(["failed"], at, at + page - 1)) as (Job | undefined)[];
        jobs.push(...some.filter((job) => job !== undefined));
        if (some.length < page) break;
      }
      for (const job of jobs) yield [name, job];
    }
  }

  async failedJobs(queues: readonly QueueName[] = queueNames): Promise<FailedJob[]> {
    const found: FailedJob[] = [];
    for await (const [queue, job] of this.#failed(queues)) {
      found.push({
        queue,
        id: job.id ?? "",
        data: job.data as unknown,
        reason: job.failedReason ?? "",
        attempts: job.attemptsMade,
        failedAt: job.finishedOn ?? 0,
      });
    }
    return found;
  }

  async retryFailed(queues: readonly QueueName[] = queueNames): Promise<number> {
    let count = 0;
    for await (const [, job] of this.#failed(queues)) {
      await job.retry("failed", { resetAttemptsMade: true, resetAttemptsStarted: true });
      count += 1;
    }
    return count;
  }

  async pause(queues: readonly QueueName[] = queueNames): Promise<void> {
    await Promise.all(queues.map((name) => this.queues[name].pause()));
  }

  async resume(queues: readonly QueueName[] = queueNames): Promise<void> {
    await Promise.all(queues.map((name) => this.queues[name].resume()));
  }

  countOnce(jobKey: string, counts: Readonly<Record<string, number>>): Promise<boolean> {
    return this.#funnel.countOnce(jobKey, counts);
  }

  readFunnel(): Promise<Record<string, number>> {
    return this.#funnel.read();
  }

  seenOnce(jobKey: string, setName: string, hashes: readonly Uint8Array[]): Promise<Uint8Array> {
    return this.#seen.seenOnce(jobKey, setName, hashes);
  }

  forgetAnswer(jobKey: string, setName: string): Promise<void> {
    return this.#seen.forgetAnswer(jobKey, setName);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(Object.values(this.queues).map((queue) => queue.close()));
    this.#connection.disconnect();
  }
}
