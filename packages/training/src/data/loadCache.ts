import { availableParallelism } from "node:os";
import { ShardReader, type ShardSample } from "@pairloom/shards";
import { type DecodedPicture, decodePicture } from "./decodedPicture.js";
import type { Release } from "./openRelease.js";
import { textsOf } from "./textsOf.js";

export interface CachedSample {
  key: string;
  texts: string[];
  picture: DecodedPicture;
}

export interface Cache {
  /** Pairs of the release, in its order; of a cache only those whose picture could be decoded. */
  pairs: number;
  /** Null where they don't fit the budget. */
  pictures: CachedSample[] | null;
  /** Samples that are damaged or can't be decoded. */
  skipped: number;
}

/** Reads a whole release once; keeps its decoded pictures as long as they fit `maxBytes`, and only counts beyond. */
export async function loadCache(
  release: Release,
  side: number,
  maxBytes: number,
  log: (line: string) => void,
): Promise<Cache> {
  if (release.samples !== null && release.samples * side * side * 3 > maxBytes) {
    return { pairs: release.samples, pictures: null, skipped: 0 };
  }
  let pictures: CachedSample[] | null = [];
  let bytes = 0;
  let pairs = 0;
  let broken = 0;
  const reader = await ShardReader.open(release.store, {
    onQuarantine: ({ key, shard, says }) => log(`left out ${key ?? shard}: ${says}`),
  });
  let group: ShardSample[] = [];
  const flush = async () => {
    const decoded = await Promise.all(
      group.map(({ image }) => decodePicture(image, side).catch((error: unknown) => error as Error)),
    );
    group.forEach((sample, i) => {
      const picture = decoded[i]!;
      if (picture instanceof Error) {
        broken++;
        log(`left out ${sample.key}: ${picture.message}`);
        return;
      }
      bytes += picture.data.byteLength;
      pictures?.push({ key: sample.key, texts: textsOf(sample), picture });
    });
    group = [];
    if (bytes > maxBytes) pictures = null;
  };
  for await (const sample of reader) {
    pairs++;
    if (pictures === null) continue;
    group.push(sample);
    if (group.length >= 4 * availableParallelism()) await flush();
  }
  if (pictures !== null) await flush();
  const skipped = reader.quarantine.length + broken;
  // a stream keeps pairs whose picture can't be decoded: it puts another of the batch in their place
  return { pairs: pictures === null ? pairs : pairs - broken, pictures, skipped };
}
