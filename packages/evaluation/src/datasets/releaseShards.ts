import { openShards, type ShardReader } from "@pairloom/shards";
import type { LeftOut } from "./leftOut.js";

/** A release's samples; damaged ones are counted as left out. */
export function releaseShards(place: string, leftOut: LeftOut): Promise<ShardReader> {
  return openShards(place, {
    onQuarantine: ({ shard, key, says }) => leftOut.add("damaged", `${key ?? "a part"} in ${shard}: ${says}`),
  });
}
