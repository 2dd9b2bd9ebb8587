// What reads shards and nothing else: it loads in a quarter of the time and memory that the whole package takes.
export { findShards, readSizes, type ShardFile } from "./reader/findShards.js";
export { openShards, ShardReader, type ShardReaderOptions } from "./reader/openShards.js";
export type { ShardCursor } from "./reader/shardCursor.js";
export { type PlacedSample, readShardBatches } from "./reader/readShard.js";
export {
  type NoteKind,
  type QuarantinedMember,
  type QuarantineReason,
  quarantineReasons,
  type ReaderNote,
} from "./reader/quarantine.js";
export { copyOfSample, type ShardSample, type StoredSample } from "./reader/shardSample.js";
