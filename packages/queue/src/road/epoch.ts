import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { RedisForgotError } from "./redisForgotError.js";

/** Where a project's epoch stands beside Redis. Epochs are published one after another, none is ever replaced. */
export interface EpochRecord {
  /** The newest epoch; null where there never was one. */
  newest(): Promise<string | null>;
  /** Publishes the epoch that follows `before`. @returns the newest: another process may have been quicker */
  publish(epoch: string, before: string | null): Promise<string>;
  /** Whether the store holds work that the queues must know of. */
  holdsWork(): Promise<boolean>;
  /** The command that rebuilds the queues. */
  readonly remedy: string;
}

const pending = "pending ";
const mending = "mending ";

export const newEpoch = (): string => randomBytes(12).toString("hex");

/**
 * Tells a Redis that lost its data from one whose queues are empty: a random name stands in the store and in Redis, and the
 * queues count only while both agree. It is made in three steps (pending in Redis, published in the store, final in Redis),
 * so that a process killed between two of them leaves nothing that looks like a loss.
 */
export class Epoch {
  #known: string | null = null;

  constructor(
    private readonly connection: Redis,
    private readonly key: string,
    private readonly record: EpochRecord,
    /** Whether Redis holds anything of the project's. */
    private readonly holdsQueues: () => Promise<boolean>,
  ) {}

  /** What stands in Redis while nothing is lost; empty before the first check. */
  get known(): string {
    return this.#known ?? "";
  }

  /** Agrees on the first epoch where there is none yet. @throws RedisForgotError where Redis isn't what the store remembers */
  async open(): Promise<void> {
    const [inRedis, inStore] = [await this.connection.get(this.key), await this.record.newest()];
    if (inStore === null && inRedis === null) return this.#begin();
    if (inRedis?.startsWith(pending) === true) {
      const epoch = inRedis.slice(pending.length);
      if (inStore === null || inStore === epoch) return this.#complete(epoch);
    }
    await this.check();
  }

  /** A project's first use, or that of a project which an earlier version made: then Redis must hold what belongs to the store. */
  async #begin(): Promise<void> {
    if ((await this.record.holdsWork()) && !(await this.holdsQueues()))
      throw new RedisForgotError("Redis holds nothing of this project", this.record.remedy);
    await this.connection.set(this.key, pending + newEpoch(), "NX");
    const claimed = await this.connection.get(this.key);
    if (claimed?.startsWith(pending) === true) return this.#complete(claimed.slice(pending.length));
    await this.check(); // another process was quicker
  }

  async #complete(epoch: string): Promise<void> {
    const newest = await this.record.publish(epoch, null);
    if (newest === epoch) await this.connection.set(this.key, epoch);
    await this.check();
  }

  /** @throws RedisForgotError where Redis lost its data since, or was replaced by another */
  async check(): Promise<void> {
    await this.compare(await this.connection.get(this.key));
  }

  /** As `check`, with what Redis said of the epoch. */
  async compare(inRedis: string | null): Promise<void> {
    if (inRedis !== null && inRedis === this.#known) return;
    const inStore = await this.record.newest();
    if (inRedis !== null && inRedis === inStore) {
      this.#known = inRedis;
      return;
    }
    const why =
      inRedis === null
        ? "Redis has lost what it knew of this project"
        : inRedis.startsWith(mending)
          ? "The queues of this project are being rebuilt, or were when that was interrupted"
          : "Redis knows another state of this project than its files do";
    throw new RedisForgotError(why, this.record.remedy);
  }

  /** From here on until `end` every check fails. */
  async beginMending(): Promise<void> {
    const mark = mending + newEpoch();
    await this.connection.set(this.key, mark);
    this.#known = mark; // this process goes on
  }

  /** Begins the epoch of the rebuilt queues. */
  async endMending(): Promise<void> {
    const epoch = await this.record.publish(newEpoch(), await this.record.newest());
    await this.connection.set(this.key, epoch);
    this.#known = epoch;
  }
}
