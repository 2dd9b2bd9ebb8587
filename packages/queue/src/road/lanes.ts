import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { QueueName } from "./queueNames.js";

/**
 * The lane that a job goes by: a queue beside its queue, served in order by itself (the trainings of one device).
 * @param lane undefined for the queue itself
 */
export function laneName(queue: QueueName, lane: string | undefined): string {
  return lane === undefined ? queue : `${queue}-${lane.replaceAll(/[^A-Za-z0-9]+/g, "-")}`;
}

/** The lanes of a project: opened when they are first asked for, remembered in Redis so that every process counts them. */
export class Lanes {
  readonly #open = new Map<string, Queue>();

  constructor(
    private readonly connection: Redis,
    private readonly key: string,
    private readonly openQueue: (name: string) => Queue,
  ) {}

  /** @returns true where the lane is new to the project */
  async register(name: string): Promise<boolean> {
    return (await this.connection.sadd(this.key, name)) === 1;
  }

  /** The names of the lanes beside a queue, in order. */
  async beside(queue: QueueName): Promise<string[]> {
    const names = await this.connection.smembers(this.key);
    return names.filter((name) => name.startsWith(`${queue}-`)).sort();
  }

  queue(name: string): Queue {
    let queue = this.#open.get(name);
    if (queue === undefined) this.#open.set(name, (queue = this.openQueue(name)));
    return queue;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#open.values()].map((queue) => queue.close()));
  }
}
