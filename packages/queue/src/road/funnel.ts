import type { Redis } from "ioredis";
import { countOnceScript } from "../scripts/countOnce-2.js";
import { bindScript } from "../scripts/redisScript.js";

/** Counters of a project to which every job adds once, however often it is run. */
export class Funnel {
  readonly #countOnce: (...args: (string | number | Buffer)[]) => Promise<unknown>;

  constructor(
    private readonly connection: Redis,
    private readonly prefix: string,
    private readonly countedTtlMs: number,
  ) {
    this.#countOnce = bindScript(connection, countOnceScript);
  }

  /** Adds to the counters; false where `jobKey` was counted before. */
  async countOnce(jobKey: string, counts: Readonly<Record<string, number>>): Promise<boolean> {
    const pairs = Object.entries(counts).filter(([, amount]) => amount !== 0);
    const mark = `${this.prefix}:counted:${jobKey}`;
    const done = await this.#countOnce(mark, `${this.prefix}:funnel`, this.countedTtlMs, ...pairs.flat());
    return done === 1;
  }

  async read(): Promise<Record<string, number>> {
    const counts = await this.connection.hgetall(`${this.prefix}:funnel`);
    return Object.fromEntries(
      Object.entries(counts)
        .map(([field, amount]) => [field, Number(amount)] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }
}
