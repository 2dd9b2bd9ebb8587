import { availableParallelism } from "node:os";
import { type DecodedPicture, decodePicture } from "./decodedPicture.js";
import type { Release } from "./openRelease.js";
import { readSamples, type ReleasePair } from "./readSamples.js";

export interface CachedSample {
  key: string;
  texts: string[];
  picture: DecodedPicture;
}

export interface Cache {
  /** Usable pairs of the release, in its order. */
  pairs: number;
  /** Null where they don't fit the budget. */
  pictures: CachedSample[] | null;
  /** Samples without a picture that can be decoded, or without a text. */
  skipped: number;
}

/** Reads a whole release once; keeps its decoded pictures as long as they fit `maxBytes`, and goes on counting beyond. */
export async function loadCache(
  release: Release,
  side: number,
  maxBytes: number,
  log: (line: string) => void,
): Promise<Cache> {
  const estimate = (release.samples ?? 0) * side * side * 3;
  let pictures: CachedSample[] | null = estimate > maxBytes ? null : [];
  if (pictures === null && release.samples !== null) {
    return { pairs: release.samples, pictures, skipped: 0 };
  }
  let bytes = 0;
  let pairs = 0;
  let broken = 0;
  let skipped = 0;
  const skip = (key: string, says: string) => {
    skipped++;
    if (skipped <= 10) log(`left out ${key}: ${says}`);
  };
  const group: ReleasePair[] = [];
  const width = 4 * availableParallelism();
  const flush = async () => {
    const decoded = await Promise.all(
      group.map(({ image }) => decodePicture(image, side).catch((error: unknown) => error as Error)),
    );
    for (const [i, picture] of decoded.entries()) {
      const { key, texts } = group[i]!;
      if (picture instanceof Error) {
        skip(key, picture.message);
        broken++;
        continue;
      }
      bytes += picture.data.byteLength;
      pictures?.push({ key, texts, picture });
    }
    group.length = 0;
    if (pictures !== null && bytes > maxBytes) {
      log("the decoded pictures don't fit the cache: they will be decoded anew in each epoch");
      pictures = null;
    }
  };
  for (const shard of release.shards) {
    for await (const pair of readSamples(release.store, shard, skip)) {
      pairs++;
      if (pictures === null) continue;
      group.push(pair);
      if (group.length >= width) await flush();
    }
  }
  if (group.length > 0) await flush();
  // a stream keeps pairs whose picture can't be decoded: it puts another of the batch in their place
  return { pairs: pictures === null ? pairs : pairs - broken, pictures, skipped };
}
