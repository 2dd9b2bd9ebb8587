import { setImmediate as nextTurn } from "node:timers/promises";
import type { Block } from "./readBlocks.js";
import { seededOrder } from "./seededOrder.js";
import type { ShardCursor } from "./shardCursor.js";
import type { StoredSample } from "./shardSample.js";

/** The event loop gets a turn when giving out samples that are ready has taken so long. */
const turnMs = 10;

/** Where a reader stands: so many samples after a block's start. */
export interface Place {
  block: ShardCursor;
  taken: number;
}

/**
 * Gives out the samples of blocks one by one, while the next block is read. It does what an async generator would, in
 * a fraction of the time: samples that are ready are handed out as resolved promises, and requests wait for each other
 * only where something must be waited for.
 */
export class SampleIterator implements AsyncIterableIterator<StoredSample, void> {
  private start: ShardCursor | null = null;
  private blocks: AsyncGenerator<Block, void> | null = null;
  private ahead: Promise<IteratorResult<Block, void>> | null = null;
  private block: Block | null = null;
  private order: readonly number[] | null = null;
  private taken = 0;
  private turn = 0;
  private finished = false;
  /** The last request that is not answered yet. */
  private unanswered: Promise<unknown> | null = null;

  /**
   * @param place where to begin when the first sample is asked for; told after each sample where the next one is
   * @param blocksFrom reads from a cursor's block on
   * @param seed shuffles the samples of each block; null leaves their order
   */
  constructor(
    private readonly place: Place,
    private readonly blocksFrom: (start: ShardCursor) => AsyncGenerator<Block, void>,
    private readonly seed: number | null,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<StoredSample, void>> {
    const { block } = this;
    if (this.unanswered !== null || block === null || this.taken === block.samples.length || this.turnIsDue())
      return this.answer(() => this.nextInTurn());
    return Promise.resolve(this.give(block));
  }

  /** Ends the iteration, once what was asked for before is answered. */
  return(): Promise<IteratorResult<StoredSample, void>> {
    return this.answer(() => this.finish());
  }

  /** One request after the other. */
  private answer<T>(work: () => Promise<T>): Promise<T> {
    const answered = this.unanswered === null ? work() : this.unanswered.then(work, work);
    this.unanswered = answered;
    const done = () => {
      if (this.unanswered === answered) this.unanswered = null;
    };
    answered.then(done, done);
    return answered;
  }

  private async nextInTurn(): Promise<IteratorResult<StoredSample, void>> {
    if (this.finished) return { done: true, value: undefined };
    try {
      if (this.block !== null && this.turnIsDue()) {
        await nextTurn();
        this.turn = performance.now();
      }
      while (this.block === null || this.taken >= this.block.samples.length)
        if (!(await this.readBlock())) return await this.finish();
      return this.give(this.block);
    } catch (error) {
      await this.finish();
      throw error;
    }
  }

  private turnIsDue(): boolean {
    return performance.now() - this.turn >= turnMs;
  }

  /** Takes the block that was read ahead and begins to read the next; false where there is none. */
  private async readBlock(): Promise<boolean> {
    if (this.blocks === null) {
      this.turn = performance.now();
      this.start = { ...this.place.block, taken: this.place.taken };
      this.blocks = this.blocksFrom(this.start);
      this.ahead = this.blocks.next();
    }
    const { value: block } = (await this.ahead) ?? {};
    if (block === undefined) return false;
    this.ahead = this.blocks.next();
    // An error of the block read ahead belongs to whoever asks for it, not to the process.
    this.ahead.catch(() => {});
    const { epoch, block: number } = block.start;
    this.block = block;
    this.order = this.seed === null ? null : seededOrder(block.samples.length, this.seed, epoch, number);
    this.taken = epoch === this.start?.epoch && number === this.start.block ? this.start.taken : 0;
    return true;
  }

  private give({ samples, start, next }: Block): IteratorResult<StoredSample, void> {
    const at = this.order === null ? this.taken : (this.order[this.taken] as number);
    const value = samples[at] as StoredSample;
    // What its taker has made of it lives no longer than the taker needs.
    samples[at] = null;
    this.taken++;
    const last = this.taken === samples.length;
    this.place.block = last ? next : start;
    this.place.taken = last ? 0 : this.taken;
    return { done: false, value };
  }

  private async finish(): Promise<IteratorReturnResult<void>> {
    this.finished = true;
    this.block = null;
    await this.blocks?.return();
    return { done: true, value: undefined };
  }
}
