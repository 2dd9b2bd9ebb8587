import type { Redis } from "ioredis";
import { bindBytesScript } from "../scripts/redisScript.js";
import { seenOnceScript } from "../scripts/seenOnce-2.js";

/** Below set-max-intset-entries (1024) even for the fullest bucket, just before it is divided. */
const meanBucketMembers = 384;

/** Sets of 64-bit keys that remember what was seen, at 9 to 10 bytes of Redis an item. */
export class SeenSets {
  readonly #seenOnce: (...args: (string | number | Buffer)[]) => Promise<Buffer>;

  constructor(
    private readonly connection: Redis,
    private readonly prefix: string,
  ) {
    this.#seenOnce = bindBytesScript(connection, seenOnceScript);
  }

  /**
   * Adds a chunk of keys of 8 bytes each to the set `setName`; 1 in the answer marks those that were new (of equal
   * keys in one chunk the first). A second call with the same `jobKey` gets the first one's answer.
   */
  async seenOnce(jobKey: string, setName: string, hashes: readonly Uint8Array[]): Promise<Uint8Array> {
    if (hashes.length === 0) return new Uint8Array(0);
    const { lowBits, members } = packKeys(hashes);
    const bitmap = await this.#seenOnce(
      `${this.prefix}:seen:${setName}`,
      this.#answerKey(jobKey, setName),
      meanBucketMembers,
      lowBits,
      ...members,
    );
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
    await this.connection.del(this.#answerKey(jobKey, setName));
  }

  #answerKey(jobKey: string, setName: string): string {
    return `${this.prefix}:answer:${setName}:${jobKey}`;
  }
}

/** The low 32 bits of each key, and the keys as decimal signed integers. */
function packKeys(hashes: readonly Uint8Array[]): { lowBits: Buffer; members: string[] } {
  const lowBits = Buffer.alloc(hashes.length * 4);
  const members = hashes.map((hash, at) => {
    if (hash.length !== 8) throw new RangeError(`Expected a key of 8 bytes, got ${hash.length}`);
    const view = new DataView(hash.buffer, hash.byteOffset, 8);
    lowBits.writeUInt32LE(view.getUint32(0, true), at * 4);
    return view.getBigInt64(0, true).toString();
  });
  return { lowBits, members };
}
