import { readShardBatches } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";
import type { IndexedSample } from "./indexPart.js";

/** The encoded picture of an indexed sample; null where its shard no longer has it there. */
export async function readShardPicture(store: Store, sample: IndexedSample): Promise<Uint8Array | null> {
  for await (const batch of readShardBatches(store, sample.shard, sample.offset)) {
    const first = batch[0]!.sample;
    return first.key === sample.key ? first.image : null;
  }
  return null;
}
