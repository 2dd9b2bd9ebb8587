import { availableParallelism } from "node:os";
import { ShardReader, type ShardSample } from "@pairloom/shards/reader";
import { type DecodedPicture, decodePicture } from "./decodedPicture.js";
import { type CropSettings, decodedSide } from "./drawCrop.js";
import type { Release } from "./openRelease.js";
import { PixelPool } from "./pixelPool.js";
import { textsOf } from "./textsOf.js";

export interface CachedSample {
  key: string;
  texts: string[];
  /** In shared memory. */
  picture: DecodedPicture;
}

export interface Cache {
  /** Pairs of the release, in its order; of a cache only those whose picture could be decoded. */
  pairs: number;
  /** Null where they don't fit the budget. */
  samples: CachedSample[] | null;
  /** Bytes of the pictures. */
  bytes: number;
  /** Samples that are damaged or can't be decoded. */
  skipped: number;
}

/**
 * Reads a whole release once; keeps its decoded pictures as long as they fit `maxBytes`, and only counts beyond.
 *
 * @param side of the model's pictures
 */
export async function loadCache(
  release: Release,
  side: number,
  crop: CropSettings,
  maxBytes: number,
  log: (line: string) => void,
): Promise<Cache> {
  const decodeTo = decodedSide(crop, side);
  if (release.samples !== null && release.samples * decodeTo * decodeTo * 3 > maxBytes) {
    return { pairs: release.samples, samples: null, bytes: 0, skipped: 0 };
  }
  let samples: CachedSample[] | null = [];
  let bytes = 0;
  let pairs = 0;
  let broken = 0;
  const pool = new PixelPool();
  const dropped: string[] = [];
  const reader = await ShardReader.open(release.store, {
    onQuarantine: ({ key, shard, says }) => log(`left out ${key ?? shard}: ${says}`),
    onNote: ({ kind, key, says }) => {
      if (kind === "record_dropped" && dropped.length === 0) dropped.push(`${key ?? ""}: ${says}`);
    },
  });
  let group: ShardSample[] = [];
  const flush = async () => {
    const decoded = await Promise.all(
      group.map(({ image }) =>
        decodePicture(image, decodeTo, crop.crop === "square").catch((error: unknown) => error as Error),
      ),
    );
    group.forEach((sample, i) => {
      const picture = decoded[i]!;
      if (picture instanceof Error) {
        broken++;
        log(`left out ${sample.key}: ${picture.message}`);
        return;
      }
      bytes += picture.data.byteLength;
      if (bytes > maxBytes) samples = null;
      samples?.push({
        key: sample.key,
        texts: textsOf(sample),
        picture: { ...picture, data: pool.put(picture.data) },
      });
    });
    group = [];
  };
  for await (const sample of reader) {
    pairs++;
    if (samples === null) continue;
    group.push(sample);
    if (group.length >= 4 * availableParallelism()) await flush();
  }
  if (samples !== null) await flush();
  for (const first of dropped)
    log(`${reader.noted.record_dropped ?? 0} pairs are used without their records (first ${first})`);
  const skipped = reader.quarantine.length + broken;
  // a stream keeps pairs whose picture can't be decoded: it puts another of the batch in their place
  if (samples === null) return { pairs, samples, bytes: 0, skipped };
  return { pairs: pairs - broken, samples, bytes, skipped };
}
