import type { LiveBlock } from "./liveBlock.js";

/** Shows how far shards are read; the last line stays. */
export const readProgress =
  (live: LiveBlock) =>
  ({ shards, ofShards, samples }: { shards: number; ofShards: number; samples: number }): void => {
    const line = `read ${samples.toLocaleString("en-US")} samples, ${shards} of ${ofShards} shards`;
    if (shards === ofShards) live.finish(line, line);
    else live.draw(line, line);
  };
