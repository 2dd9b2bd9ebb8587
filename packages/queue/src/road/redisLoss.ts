import { setTimeout as sleep } from "node:timers/promises";

/**
 * True where Redis went away in the middle of a transaction or pipeline: ioredis sends single commands again by
 * itself, but gives these up, not knowing how far they came.
 */
export function isRedisLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /^Command aborted due to connection close|^Connection is closed/.test(error.message);
}

/** Does `work`, which may be done twice without harm, until Redis stayed for the whole of it. */
export async function persist<T>(work: () => Promise<T>, isOver: () => boolean): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isRedisLoss(error) || isOver()) throw error;
      await sleep(Math.min(50 * tries, 1000));
    }
  }
}
