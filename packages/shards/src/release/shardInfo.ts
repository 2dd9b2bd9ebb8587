import { z } from "zod";
import { TableDamagedError, tableMetadata } from "../parquet/table.js";

/** Key of the metadata of a shard's parquet, which is the shard's commit point. */
export const shardKey = "pairloom.shard";

const schema = z.strictObject({
  version: z.literal(1),
  /** `PlanSummary.id` of the release. */
  release: z.string(),
  tar: z.string(),
  samples: z.int(),
  /** Extensions of the pictures, each once. */
  pictures: z.array(z.string()),
  bytes: z.int(),
  sha256: z.string(),
  md5: z.string(),
});
/** What a shard's parquet says of its tar. */
export type ShardInfo = z.infer<typeof schema>;

/** What the metadata of a parquet says of a tar; null where it isn't a shard's. */
export function parseShardInfo(metadata: Record<string, string>): ShardInfo | null {
  try {
    return schema.parse(JSON.parse(metadata[shardKey] ?? ""));
  } catch {
    return null;
  }
}

/** @throws TableDamagedError where the bytes are no parquet of a shard that this program wrote */
export function readShardInfo(parquet: Uint8Array): ShardInfo {
  const metadata = tableMetadata(parquet);
  const info = parseShardInfo(metadata);
  if (info !== null) return info;
  throw new TableDamagedError(shardKey in metadata ? "its metadata is broken" : "its metadata names no tar");
}
