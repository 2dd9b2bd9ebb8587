import type { Buffer } from "node:buffer";
import type { ReleaseSample } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { readPictures, readSegmentPlaces, type SegmentPlaces } from "../segment/readSegment.js";

/** Samples whose pictures are in memory at once, and segments that are read at once. */
const windowSamples = 256;
const parallel = 8;

async function eachOf<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}

function membersBySegment(samples: readonly ReleaseSample[]): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const { segment, member } of samples) {
    const members = wanted.get(segment);
    if (members === undefined) wanted.set(segment, new Set([member]));
    else members.add(member);
  }
  return wanted;
}

/**
 * The samples with their pictures, in the samples' order. Of the segments only the wanted pictures are read, and no
 * more than a few hundred are held.
 * @throws CorruptSegmentError
 */
export async function* picturesOf(
  store: Store,
  samples: readonly ReleaseSample[],
): AsyncGenerator<{ sample: ReleaseSample; picture: Buffer }, void> {
  const places = new Map<string, SegmentPlaces>();
  await eachOf(membersBySegment(samples), async ([segment, members]) => {
    places.set(segment, await readSegmentPlaces(store, segment, members));
  });
  for (let start = 0; start < samples.length; start += windowSamples) {
    const part = samples.slice(start, start + windowSamples);
    const pictures = new Map<string, Buffer>();
    await eachOf(membersBySegment(part), async ([segment, members]) => {
      for await (const { member, bytes } of readPictures(
        store,
        places.get(segment) as SegmentPlaces,
        members,
      )) {
        pictures.set(`${segment}/${member}`, bytes);
      }
    });
    for (const sample of part) {
      yield { sample, picture: pictures.get(`${sample.segment}/${sample.member}`) as Buffer };
    }
  }
}
