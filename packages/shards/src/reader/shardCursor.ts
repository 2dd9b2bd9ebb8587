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

/** The beginning of an epoch. */
export const startOf = (epoch: number): ShardCursor => ({
  epoch,
  shard: 0,
  sample: 0,
  byte: 0,
  block: 0,
  taken: 0,
});
