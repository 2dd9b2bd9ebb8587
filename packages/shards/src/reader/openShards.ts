import { setImmediate as nextTurn } from "node:timers/promises";
import { UserError } from "@pairloom/config";
import { openStore, type Store } from "@pairloom/storage";
import { findShards, type ShardFile } from "./findShards.js";
import { Quarantine, type QuarantinedMember } from "./quarantine.js";
import { readShardBatches } from "./readShard.js";
import { seededOrder } from "./seededOrder.js";
import type { ShardSample } from "./shardSample.js";

/** Where a reader stands: with the same seed and shuffle buffer, reading on from here gives what would have come. */
export interface ShardCursor {
  epoch: number;
  /** Where the current block begins: the place of the shard in this epoch's order, … */
  shard: number;
  /** … the good samples of that shard before the block, … */
  sample: number;
  /** … and the byte of the tar. */
  byte: number;
  /** Number of the block in this epoch. */
  block: number;
  /** Samples of the block that were given out. */
  taken: number;
}

export interface ShardReaderOptions {
  /** Samples that are shuffled together (up to twice as many are in memory); 0 reads in the order of the shards. */
  shuffleBuffer?: number;
  /** Decides, with the epoch, the order of shards and samples. */
  seed?: number;
  /** The first epoch to read: the cursor's, or 0. */
  epoch?: number;
  /** How many epochs to read: one by default, Infinity for no end. */
  epochs?: number;
  /** Where to go on, instead of the beginning of an epoch. */
  cursor?: ShardCursor;
  /** Called for what is damaged. */
  onQuarantine?: (member: QuarantinedMember) => void;
}

/** Samples that are read ahead where nothing is shuffled. */
const plainBlockSamples = 256;

/** The event loop gets a turn when giving out samples that are ready has taken so long. */
const turnMs = 10;

interface Block {
  samples: ShardSample[];
  /** Where it begins, with `taken` 0, and where the next one does. */
  start: ShardCursor;
  next: ShardCursor;
}

/** Reads the samples of a folder of shards in a seeded order that depends on nothing else, and can go on anywhere. */
export class ShardReader implements AsyncIterable<ShardSample> {
  private at: ShardCursor;
  private readonly aside = new Quarantine();

  private constructor(
    readonly store: Store,
    readonly shards: readonly ShardFile[],
    private readonly options: Required<Omit<ShardReaderOptions, "cursor" | "onQuarantine">> &
      ShardReaderOptions,
  ) {
    this.at = options.cursor ?? startOf(options.epoch);
  }

  static async open(place: string | Store, options: ShardReaderOptions = {}): Promise<ShardReader> {
    const store = typeof place === "string" ? await openStore(place, { readOnly: true }) : place;
    const { shuffleBuffer = 0, seed = 0, epoch = options.cursor?.epoch ?? 0, epochs = 1 } = options;
    return new ShardReader(store, await findShards(store), {
      ...options,
      shuffleBuffer,
      seed,
      epoch,
      epochs,
    });
  }

  /** Where the reader stands, after the last sample given out; may be kept as JSON. */
  cursor(): ShardCursor {
    return { ...this.at };
  }

  /** What was found damaged as far as it was read, the first 10,000 of it. */
  get quarantine(): readonly QuarantinedMember[] {
    return this.aside.members;
  }

  /** How much was found damaged, by reason. */
  get quarantined(): Readonly<Quarantine["counts"]> {
    return this.aside.counts;
  }

  /** Samples of one epoch by `sizes.json`; null where that doesn't say. */
  get samplesPerEpoch(): number | null {
    return this.shards.reduce<number | null>(
      (sum, { samples }) => (sum === null || samples === null ? null : sum + samples),
      0,
    );
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ShardSample, void> {
    const { shuffleBuffer, seed, epoch, epochs } = this.options;
    const start = this.at;
    const blocks = this.blocksFrom(start, epoch + epochs);
    let ahead = blocks.next();
    // An error of the block read ahead belongs to whoever asks for it, not to the process.
    ahead.catch(() => {});
    let turn = performance.now();
    try {
      for (;;) {
        const { value: block, done } = await ahead;
        if (done === true) return;
        ahead = blocks.next();
        ahead.catch(() => {});
        const { epoch: current, block: number } = block.start;
        const order = shuffleBuffer > 1 ? seededOrder(block.samples.length, seed, current, number) : null;
        const from = current === start.epoch && number === start.block ? start.taken : 0;
        for (let i = from; i < block.samples.length; i++) {
          const last = i + 1 === block.samples.length;
          this.at = last ? block.next : { ...block.start, taken: i + 1 };
          yield block.samples[order?.[i] ?? i] as ShardSample;
          if (performance.now() - turn < turnMs) continue;
          await nextTurn();
          turn = performance.now();
        }
      }
    } finally {
      await blocks.return();
    }
  }

  /** Blocks of one epoch after another, so that the first of an epoch is read while the last of the one before is used. */
  private async *blocksFrom(start: ShardCursor, endEpoch: number): AsyncGenerator<Block, void> {
    for (let at = start; at.epoch < endEpoch; at = startOf(at.epoch + 1)) {
      let found = at.block > 0 || at.taken > 0;
      for await (const block of this.blocksOf({ ...at, taken: 0 })) {
        found = true;
        yield block;
      }
      if (!found) {
        throw new UserError("no_samples", `The shards in ${this.store.url} hold no sample that can be used`, {
          hint: "`pairloom shards verify` says what is wrong with them.",
        });
      }
    }
  }

  /** The blocks of one epoch from a block's start on. */
  private async *blocksOf(start: ShardCursor): AsyncGenerator<Block, void> {
    const { shuffleBuffer, seed } = this.options;
    const { epoch } = start;
    const blockSamples = shuffleBuffer > 1 ? shuffleBuffer : plainBlockSamples;
    const order = shuffleBuffer > 1 ? seededOrder(this.shards.length, seed, epoch) : null;
    let samples: ShardSample[] = [];
    let { block } = start;
    let blockStart = start;
    for (let place = start.shard; place < this.shards.length; place++) {
      const { name } = this.shards[order?.[place] ?? place] as ShardFile;
      const resumed = place === start.shard;
      let sample = resumed ? start.sample : 0;
      const onQuarantine = (member: QuarantinedMember) => {
        this.aside.add(member);
        this.options.onQuarantine?.(member);
      };
      for await (const batch of readShardBatches(this.store, name, resumed ? start.byte : 0, onQuarantine)) {
        for (const placed of batch) {
          if (samples.length === 0) {
            blockStart = { epoch, shard: place, sample, byte: placed.offset, block, taken: 0 };
          } else if (samples.length === blockSamples) {
            block++;
            const next = { epoch, shard: place, sample, byte: placed.offset, block, taken: 0 };
            yield { samples, start: blockStart, next };
            samples = [];
            blockStart = next;
          }
          samples.push(placed.sample);
          sample++;
        }
      }
    }
    if (samples.length > 0) yield { samples, start: blockStart, next: startOf(epoch + 1) };
  }
}

function startOf(epoch: number): ShardCursor {
  return { epoch, shard: 0, sample: 0, byte: 0, block: 0, taken: 0 };
}

/**
 * Opens a folder of shards, ours or img2dataset's, for reading.
 * @param place a path, a store's URL, or a store whose root holds the shards
 * @throws UserError where there are none
 */
export const openShards = (place: string | Store, options: ShardReaderOptions = {}): Promise<ShardReader> =>
  ShardReader.open(place, options);
