import { Buffer } from "node:buffer";
import type { DataCard } from "./dataCard.js";
import type { ShardInfo } from "./shardInfo.js";

type TarInfo = Pick<ShardInfo, "tar" | "samples" | "bytes" | "md5">;

const json = (value: unknown) => Buffer.from(JSON.stringify(value, null, 2) + "\n");

/** `sizes.json`: samples of each tar, as open_clip reads it. */
export const sizesFile = (shards: readonly TarInfo[]): Buffer =>
  json(Object.fromEntries(shards.map(({ tar, samples }) => [tar, samples])));

/** `index.json`: what Python's wids opens. */
export const widsIndex = (name: string, shards: readonly TarInfo[]): Buffer =>
  json({
    __kind__: "wids-shard-index-v1",
    wids_version: 1,
    name,
    shardlist: shards.map(({ tar, md5, samples, bytes }) => ({
      url: tar,
      md5sum: md5,
      nsamples: samples,
      filesize: bytes,
    })),
  });

/** `datacard.json`. */
export const cardFile = (card: DataCard): Buffer => json(card);
