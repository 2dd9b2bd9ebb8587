import { openStore, type Store } from "@pairloom/storage";
import { findShards, type ShardFile } from "./findShards.js";
import { type NoteKind, Quarantine, type QuarantinedMember, type ReaderNote } from "./quarantine.js";
import { readBlocks } from "./readBlocks.js";
import { type Place, SampleIterator } from "./sampleIterator.js";
import { type ShardCursor, startOf } from "./shardCursor.js";
import type { StoredSample } from "./shardSample.js";

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
  /** Called for what is passed over without a sample being lost. */
  onNote?: (note: ReaderNote) => void;
}

/** Samples that are read ahead where nothing is shuffled. */
const plainBlockSamples = 256;

/** Reads the samples of a folder of shards in a seeded order that depends on nothing else, and can go on anywhere. */
export class ShardReader implements AsyncIterable<StoredSample> {
  private readonly at: Place;
  private readonly aside = new Quarantine();
  private readonly passedOver: Partial<Record<NoteKind, number>> = {};

  private constructor(
    readonly store: Store,
    readonly shards: readonly ShardFile[],
    private readonly options: Required<Omit<ShardReaderOptions, "cursor" | "onQuarantine" | "onNote">> &
      ShardReaderOptions,
  ) {
    const { taken, ...block } = options.cursor ?? startOf(options.epoch);
    this.at = { block: { ...block, taken: 0 }, taken };
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
    const { block, taken } = this.at;
    return { ...block, taken };
  }

  /** What was found damaged as far as it was read, the first 10,000 of it. */
  get quarantine(): readonly QuarantinedMember[] {
    return this.aside.members;
  }

  /** How much was found damaged, by reason. */
  get quarantined(): Readonly<Quarantine["counts"]> {
    return this.aside.counts;
  }

  /** What was passed over without a sample being lost, by kind: records that can't be used, macOS's files. */
  get noted(): Readonly<Partial<Record<NoteKind, number>>> {
    return this.passedOver;
  }

  /** Samples of one epoch by `sizes.json`; null where that doesn't say. */
  get samplesPerEpoch(): number | null {
    return this.shards.reduce<number | null>(
      (sum, { samples }) => (sum === null || samples === null ? null : sum + samples),
      0,
    );
  }

  [Symbol.asyncIterator](): SampleIterator {
    const { store, shards, options } = this;
    const { shuffleBuffer, epoch, epochs } = options;
    const seed = shuffleBuffer > 1 ? options.seed : null;
    const onQuarantine = (member: QuarantinedMember) => {
      this.aside.add(member);
      options.onQuarantine?.(member);
    };
    const onNote = (note: ReaderNote) => {
      this.passedOver[note.kind] = (this.passedOver[note.kind] ?? 0) + 1;
      options.onNote?.(note);
    };
    const blockSamples = shuffleBuffer > 1 ? shuffleBuffer : plainBlockSamples;
    const settings = { store, shards, blockSamples, seed, onQuarantine, onNote };
    return new SampleIterator(this.at, (start) => readBlocks(settings, start, epoch + epochs), seed);
  }
}

/**
 * Opens a folder of shards, ours or img2dataset's, for reading.
 * @param place a path, a store's URL, or a store whose root holds the shards
 * @throws UserError where there are none
 */
export const openShards = (place: string | Store, options: ShardReaderOptions = {}): Promise<ShardReader> =>
  ShardReader.open(place, options);
