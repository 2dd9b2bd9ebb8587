import { createHash } from "node:crypto";
import { Queue, type Job, type JobsOptions } from "bullmq";
import type { Redis } from "ioredis";
import type { RedisHandle } from "../redis/openRedis.js";
import { bindScript } from "../scripts/redisScript.js";
import { roadCountsScript } from "../scripts/roadCounts-1.js";
import { Epoch, type EpochRecord } from "./epoch.js";
import { Funnel } from "./funnel.js";
import { jobSchemas, type JobData } from "./jobSchemas.js";
import { jobPlace, removeJob, type JobPlace } from "./jobPlace.js";
import { laneName, Lanes } from "./lanes.js";
import { queueCounts, type QueueCounts } from "./queueCounts.js";
import { queueNames, type QueueName } from "./queueNames.js";
import { RedisForgotError } from "./redisForgotError.js";
import { persist } from "./redisLoss.js";
import { defaultTuning, type RoadTuning } from "./roadTuning.js";
import { SeenSets } from "./seenSets.js";

/** A job to add: of two with the same id in a queue the second is ignored while the first is there. */
export interface NewJob<Q extends QueueName> {
  id: string;
  data: JobData<Q>;
  /** The lane beside the queue that the job goes by; the queue itself where it is left out. */
  lane?: string | undefined;
  /** 1 is first, 0 (or none) before all; jobs of equal priority keep their order. */
  priority?: number;
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
  /** Null where the queue (or its lane) has no such job: it is done, or was never added. */
  jobPlace(queue: QueueName, id: string, lane?: string): Promise<JobPlace | null>;
  /** Takes a job out unless a worker has it. @returns true where it is gone */
  removeJob(queue: QueueName, id: string, lane?: string): Promise<boolean>;
  /** True where a worker takes jobs of the queue (or of its lane) now. */
  isServed(queue: QueueName, lane?: string): Promise<boolean>;
  /** What is counted of a queue includes its lanes. @throws RedisForgotError */
  counts(): Promise<Record<QueueName, QueueCounts>>;
  /**
   * No job waits, runs or is put off anywhere (failed ones don't count). A look at one moment.
   * @throws RedisForgotError where it is so because Redis lost its data
   */
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
  /** Takes a set and its members out of Redis. */
  forgetSet(setName: string): Promise<void>;
  /** Does nothing where the road was opened without an epoch. @throws RedisForgotError where Redis lost the project's data */
  checkEpoch(): Promise<void>;
  /** Takes everything of the project out of Redis. Until `endMending` every check of the epoch fails. */
  beginMending(): Promise<void>;
  endMending(): Promise<void>;
  /** The BullMQ queues, for dashboards. */
  readonly queues: Readonly<Record<QueueName, Queue>>;
  /** Closes the queues and the road's connection; the RedisHandle stays open. */
  close(): Promise<void>;
}

/** Jobs sent to Redis in one go. */
const addBatch = 500;

export interface RoadOptions {
  tuning?: Partial<RoadTuning>;
  /** Where the project's epoch stands beside Redis; without one nobody notices that Redis lost its data. */
  epochs?: EpochRecord;
  /** Opens the road also where Redis has lost the project's data: to show that, or to mend it. */
  evenForgotten?: boolean;
}

/** @throws RedisForgotError */
export async function openRoad(
  redis: RedisHandle,
  project: string,
  { tuning = {}, epochs, evenForgotten = false }: RoadOptions = {},
): Promise<Road> {
  const road = new OpenRoad(redis, project, { ...defaultTuning, ...tuning }, epochs);
  try {
    await road.openEpoch();
  } catch (error) {
    if (!evenForgotten || !(error instanceof RedisForgotError)) {
      await road.close();
      throw error;
    }
  }
  return road;
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
  readonly #lanes: Lanes;
  readonly #epoch: Epoch | null;
  readonly #roadCounts: (...args: (string | number | Buffer)[]) => Promise<unknown>;

  constructor(
    readonly redis: RedisHandle,
    readonly project: string,
    readonly tuning: RoadTuning,
    epochs: EpochRecord | undefined,
  ) {
    this.prefix = `pl:{${project}}`;
    this.#connection = redis.connect();
    this.#funnel = new Funnel(this.#connection, this.prefix, tuning.countedTtlMs);
    this.#roadCounts = bindScript(this.#connection, roadCountsScript);
    this.#lanes = new Lanes(this.#connection, `${this.prefix}:lanes`, (name) => this.#openQueue(name));
    this.#epoch =
      epochs === undefined
        ? null
        : new Epoch(this.#connection, `${this.prefix}:epoch`, epochs, () => this.#holdsQueues());
    this.#seen = new SeenSets(() => redis.connect(), this.prefix, this.#epoch);
    this.queues = Object.fromEntries(
      queueNames.map((name) => [name, this.#openQueue(name)]),
    ) as unknown as Record<QueueName, Queue>;
  }

  #openQueue(name: string): Queue {
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
    const lanes = new Map<string, { name: string; data: unknown; opts: JobsOptions }[]>();
    for (const { id, data, lane, priority } of jobs) {
      if (id.includes(":") || /^-?\d+$/.test(id) || id === "") {
        throw new RangeError(`Expected a job id without ":" that is not a number, got ${JSON.stringify(id)}`);
      }
      const opts = { jobId: id, ...(priority === undefined ? {} : { priority }) };
      const name = laneName(queue, lane);
      lanes.set(name, [...(lanes.get(name) ?? []), { name: queue, data: schema.parse(data), opts }]);
    }
    for (const [name, checked] of lanes) {
      const target = await this.#target(queue, name);
      for (let at = 0; at < checked.length; at += addBatch) {
        const batch = checked.slice(at, at + addBatch);
        await persist(
          () => target.addBulk(batch),
          () => this.#isClosed,
        );
      }
    }
  }

  /** The queue, or its lane, ready for jobs: a new lane rests where its queue does. */
  async #target(queue: QueueName, name: string): Promise<Queue> {
    if (name === queue) return this.queues[queue];
    const lane = this.#lanes.queue(name);
    if ((await this.#lanes.register(name)) && (await this.queues[queue].isPaused())) await lane.pause();
    return lane;
  }

  #named(queue: QueueName, lane: string | undefined): Queue {
    return lane === undefined ? this.queues[queue] : this.#lanes.queue(laneName(queue, lane));
  }

  jobPlace(queue: QueueName, id: string, lane?: string): Promise<JobPlace | null> {
    return jobPlace(this.#named(queue, lane), id);
  }

  removeJob(queue: QueueName, id: string, lane?: string): Promise<boolean> {
    return removeJob(this.#named(queue, lane), id);
  }

  async isServed(queue: QueueName, lane?: string): Promise<boolean> {
    return (await this.#named(queue, lane).getWorkersCount()) > 0;
  }

  /** A queue and its lanes. */
  async #withLanes(queues: readonly QueueName[]): Promise<[QueueName, Queue][]> {
    const all = queues.map(async (name): Promise<[QueueName, Queue][]> => {
      const lanes = await this.#lanes.beside(name);
      return [
        [name, this.queues[name]],
        ...lanes.map((lane): [QueueName, Queue] => [name, this.#lanes.queue(lane)]),
      ];
    });
    return (await Promise.all(all)).flat();
  }

  async counts(): Promise<Record<QueueName, QueueCounts>> {
    const all = await this.#withLanes(queueNames);
    const names = all.map(([, { name }]) => name);
    const counts = (await this.#roadCounts(this.prefix, ...names)) as (number | string)[];
    const epoch = counts.pop() as string;
    await this.#epoch?.compare(epoch === "" ? null : epoch);
    return queueCounts(
      all.map(([name]) => name),
      counts as number[],
    );
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
    for (const [name, queue] of await this.#withLanes(queues)) {
      const jobs: Job[] = [];
      for (let at = 0; ; at += page) {
        const some = (await queue.getJobs(["failed"], at, at + page - 1)) as (Job | undefined)[];
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
    await Promise.all((await this.#withLanes(queues)).map(([, queue]) => queue.pause()));
  }

  async resume(queues: readonly QueueName[] = queueNames): Promise<void> {
    await Promise.all((await this.#withLanes(queues)).map(([, queue]) => queue.resume()));
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

  async openEpoch(): Promise<void> {
    await this.#epoch?.open();
  }

  async checkEpoch(): Promise<void> {
    await this.#epoch?.check();
  }

  /** What no project has that did nothing yet: a counter, a set, a queue that ever held a job. */
  async #holdsQueues(): Promise<boolean> {
    const names = ["funnel", "lanes", "seen:urls", "seen:pages"];
    for (const queue of queueNames) names.push(`${queue}:id`, `${queue}:events`);
    return (await this.#connection.exists(...names.map((name) => `${this.prefix}:${name}`))) > 0;
  }

  async beginMending(): Promise<void> {
    await this.#epoch?.beginMending();
    // That a queue is paused is somebody's wish, which nothing in the store repeats.
    const stays = new RegExp(`:(epoch|(${queueNames.join("|")})(-[^:]*)?:meta)$`);
    await this.#unlink("*", (key) => !stays.test(key));
  }

  async forgetSet(setName: string): Promise<void> {
    await this.#connection.unlink(`${this.prefix}:seen:${setName}`);
    await this.#unlink(`seen:${setName}:*`, () => true);
  }

  async #unlink(pattern: string, goes: (key: string) => boolean): Promise<void> {
    let cursor = "0";
    do {
      const match = `${this.prefix}:${pattern}`;
      const [next, keys] = await this.#connection.scan(cursor, "MATCH", match, "COUNT", 1000);
      const gone = keys.filter(goes);
      if (gone.length > 0) await this.#connection.unlink(...gone);
      cursor = next;
    } while (cursor !== "0");
  }

  async endMending(): Promise<void> {
    await this.#epoch?.endMending();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lanes.close();
    await Promise.allSettled(Object.values(this.queues).map((queue) => queue.close()));
    this.#seen.close();
    this.#connection.disconnect();
  }
}
