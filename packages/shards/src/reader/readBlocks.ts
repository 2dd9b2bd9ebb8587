import { UserError } from "@pairloom/config/errors";
import type { Store } from "@pairloom/storage";
import type { ShardFile } from "./findShards.js";
import type { QuarantinedMember, ReaderNote } from "./quarantine.js";
import { readShardBatches } from "./readShard.js";
import { seededOrder } from "./seededOrder.js";
import { type ShardCursor, startOf } from "./shardCursor.js";
import type { StoredSample } from "./shardSample.js";

/** Samples that are shuffled together, in the order of their shards. */
export interface Block {
  /** Null where one was given out. */
  samples: (StoredSample | null)[];
  /** Where it begins, with `taken` 0, and where the next one does. */
  start: ShardCursor;
  next: ShardCursor;
}

export interface BlockSettings {
  store: Store;
  shards: readonly ShardFile[];
  /** Samples of a block. */
  blockSamples: number;
  /** Decides, with the epoch, the order of the shards; null reads them in theirs. */
  seed: number | null;
  onQuarantine: (member: QuarantinedMember) => void;
  onNote: (note: ReaderNote) => void;
}

/**
 * Blocks of one epoch after another, so that the first of an epoch is read while the last of the one before is used.
 * @throws UserError where a whole epoch has none
 */
export async function* readBlocks(
  settings: BlockSettings,
  start: ShardCursor,
  endEpoch: number,
): AsyncGenerator<Block, void> {
  for (let at = start; at.epoch < endEpoch; at = startOf(at.epoch + 1)) {
    let found = at.block > 0 || at.taken > 0;
    let foreign: QuarantinedMember | null = null;
    const onQuarantine = (member: QuarantinedMember) => {
      if (member.reason === "tar_foreign") foreign ??= member;
      settings.onQuarantine(member);
    };
    for await (const block of blocksOfEpoch({ ...settings, onQuarantine }, { ...at, taken: 0 })) {
      found = true;
      yield block;
    }
    if (!found) throw noSamples(settings.store, foreign);
  }
}

function noSamples({ url }: Store, foreign: QuarantinedMember | null): UserError {
  const why = foreign === null ? "" : `: ${foreign.shard}: ${foreign.says}`;
  return new UserError("no_samples", `The shards in ${url} hold no sample that can be used${why}`, {
    hint: foreign?.hint ?? "`pairloom shards verify` says what is wrong with them.",
  });
}

/** The blocks of one epoch from a block's start on. */
async function* blocksOfEpoch(settings: BlockSettings, start: ShardCursor): AsyncGenerator<Block, void> {
  const { store, shards, blockSamples, seed, onQuarantine, onNote } = settings;
  const { epoch } = start;
  const order = seed === null ? null : seededOrder(shards.length, seed, epoch);
  let samples: StoredSample[] = [];
  let { block } = start;
  let blockStart = start;
  for (let place = start.shard; place < shards.length; place++) {
    const { name } = shards[order?.[place] ?? place] as ShardFile;
    const resumed = place === start.shard;
    let sample = resumed ? start.sample : 0;
    const from = resumed ? start.byte : 0;
    for await (const batch of readShardBatches(store, name, from, onQuarantine, onNote)) {
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
