/** A shard's files begin with its number in five digits, as img2dataset's do. */
export const shardName = (shard: number): string => String(shard).padStart(5, "0");
