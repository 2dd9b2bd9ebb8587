import { UserError } from "@pairloom/config/errors";

/**
 * Waits for answers of a Redis that may be away for a while: an ioredis connection keeps its commands until the server
 * is back. When one was waited for longer than the limit, all that wait are given up together.
 */
export class OutageLimit {
  readonly #waiting = new Set<(error: UserError) => void>();

  /** @param limitMs Infinity waits for ever */
  constructor(private readonly limitMs: number) {}

  /** @throws UserError "redis_lost" */
  wait<T>(answer: Promise<T>): Promise<T> {
    if (this.limitMs === Infinity) return answer;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => this.#giveUp(), this.limitMs);
      const end = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(refuse);
      };
      const refuse = (error: Error): void => {
        end();
        reject(error);
      };
      this.#waiting.add(refuse);
      answer.then((value) => {
        end();
        resolve(value);
      }, refuse);
    });
  }

  #giveUp(): void {
    const seconds = Math.round(this.limitMs / 1000);
    const error = new UserError("redis_lost", `Redis has not answered for ${seconds} s: no host is asked`, {
      hint: "Start it again, then run the same command: it goes on where it stopped.",
    });
    for (const refuse of [...this.#waiting]) refuse(error);
  }
}
