import type { Redis } from "ioredis";
import { bindBytesScript } from "../scripts/redisScript.js";
import { seenOnceScript } from "../scripts/seenOnce-3.js";
import type { Epoch } from "./epoch.js";

/** Below set-max-intset-entries (1024) even for the fullest bucket, just before it is divided. */
const meanBucketMembers = 384;

/**
 * Redis takes one chunk a connection, then syncs its file, then takes the next: what comes by several connections at
 * once shares a sync.
 */
const maxConnections = 4;

interface Line {
  connection: Redis;
  seenOnce: (...args: (string | number | Buffer)[]) => Promise<Buffer | null>;
  /** Calls under way. */
  pending: number;
}

/** Sets of 64-bit keys that remember what was seen, at 9 to 10 bytes of Redis an item. */
export class SeenSets {
  readonly #lines: Line[] = [];

  /**
   * @param connect opens a connection; they are this object's to close
   * @param epoch null where the project keeps none
   */
  constructor(
    private readonly connect: () => Redis,
    private readonly prefix: string,
    private readonly epoch: Pick<Epoch, "known" | "check"> | null,
  ) {}

  /**
   * Adds a chunk of keys of 8 bytes each to the set `setName`; 1 in the answer marks those that were new (of equal
   * keys in one chunk the first). A second call with the same `jobKey` gets the first one's answer.
   * @throws RedisForgotError
   */
  async seenOnce(jobKey: string, setName: string, hashes: readonly Uint8Array[]): Promise<Uint8Array> {
    if (hashes.length === 0) return new Uint8Array(0);
    const members = hashes.map(memberOf);
    const ask = () =>
      this.#take(({ seenOnce }) =>
        seenOnce(
          `${this.prefix}:seen:${setName}`,
          this.#answerKey(jobKey, setName),
          `${this.prefix}:epoch`,
          this.epoch?.known ?? "",
          meanBucketMembers,
          ...members,
        ),
      );
    let bitmap = await ask();
    if (bitmap === null) {
      await this.epoch?.check(); // the project may have been mended since
      bitmap = await ask();
    }
    if (bitmap === null) throw new Error(`The epoch of ${this.prefix} changed twice at once`);
    const wanted = Math.ceil(hashes.length / 8);
    if (bitmap.length !== wanted) {
      throw new Error(
        `The answer kept for ${jobKey} is for ${bitmap.length * 8} keys, not ${hashes.length}: a job's keys must not change`,
      );
    }
    return Uint8Array.from(hashes, (_, at) => ((bitmap[at >> 3] ?? 0) >> (at & 7)) & 1);
  }

  /** Lets go of a job's answers, once what it made of them is published. */
  async forgetAnswer(jobKey: string, setName: string): Promise<void> {
    await this.#take(({ connection }) => connection.del(this.#answerKey(jobKey, setName)));
  }

  close(): void {
    for (const { connection } of this.#lines) connection.disconnect();
  }

  #answerKey(jobKey: string, setName: string): string {
    return `${this.prefix}:answer:${setName}:${jobKey}`;
  }

  /** Calls by the connection with the least to do; opened when all others are busy. */
  async #take<T>(call: (line: Line) => Promise<T>): Promise<T> {
    let line = this.#lines.reduce<Line | null>(
      (least, other) => (least !== null && least.pending <= other.pending ? least : other),
      null,
    );
    if (line === null || (line.pending > 0 && this.#lines.length < maxConnections)) {
      const connection = this.connect();
      line = { connection, seenOnce: bindBytesScript(connection, seenOnceScript), pending: 0 };
      this.#lines.push(line);
    }
    line.pending += 1;
    try {
      return await call(line);
    } finally {
      line.pending -= 1;
    }
  }
}

/** A key as Redis' sets of integers take it: a decimal signed integer. */
function memberOf(hash: Uint8Array): string {
  if (hash.length !== 8) throw new RangeError(`Expected a key of 8 bytes, got ${hash.length}`);
  return new DataView(hash.buffer, hash.byteOffset, 8).getBigInt64(0, true).toString();
}
