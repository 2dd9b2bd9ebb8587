import type { ReleaseSample } from "@pairloom/config";
import { byteOrder, sortedOnce } from "../byteOrder.js";
import { mergeTexts } from "./chooseCaption.js";
import { type Entry, rowsOf } from "./entry.js";
import { tidyText } from "./usableText.js";

/** Five digits of shard and at least four of the place in the shard, enough for its samples. */
export function sampleKey(index: number, samplesPerShard: number): string {
  const digits = Math.max(4, String(samplesPerShard - 1).length);
  const shard = String(Math.floor(index / samplesPerShard)).padStart(5, "0");
  return shard + String(index % samplesPerShard).padStart(digits, "0");
}

/**
 * Bytes of JSON that a sample holds of each kind of list: the logo on a million pages of a site would else be a record
 * of a hundred megabytes, which no reader takes. The rows of doubles all stand in the release's rejected tables.
 */
const maxListBytes = 1 << 19;

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** In their order, those for which there is room. */
function whatFits<T>(list: T[]): T[] {
  if (bytesOf(list) <= maxListBytes) return list;
  let room = maxListBytes;
  return list.filter((value) => {
    const bytes = bytesOf(value) + 1;
    if (bytes > room) return false;
    room -= bytes;
    return true;
  });
}

/** A kept picture with all that its rows and those of its doubles say; nothing here depends on their order. */
export function sampleOf(entry: Entry, queries: string[], key: string): ReleaseSample {
  const { picture, caption } = entry;
  const { fetched, segment } = picture;
  const rows = rowsOf(entry);
  const speaking = rows.filter(({ texts }) => texts.some(({ text }) => tidyText(text) === caption));
  return {
    key,
    segment,
    member: fetched.member,
    caption,
    imageUrl: picture.rows[0].imageUrl,
    texts: whatFits(mergeTexts(rows)),
    urls: whatFits(sortedOnce(rows.map(({ imageUrl }) => imageUrl))),
    pages: whatFits(sortedOnce(rows.flatMap(({ pageUrl }) => pageUrl ?? []))),
    queries: whatFits(queries),
    sources: sortedOnce(rows.map(({ source }) => source)),
    licence: mostFrequent(rows.map(({ licence }) => licence)),
    language: mostFrequent(speaking.map(({ language }) => language)),
    width: fetched.width,
    height: fetched.height,
    originalWidth: fetched.originalWidth,
    originalHeight: fetched.originalHeight,
    exif: fetched.exif,
    sha256: fetched.sha256,
    pdq: fetched.pdq,
  };
}

/** Of equally frequent values the first in byte order; null where none is stated. */
function mostFrequent(values: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: string | null = null;
  for (const [value, count] of counts) {
    const order = best === null ? -1 : counts.get(best)! - count || byteOrder(value, best);
    if (order < 0) best = value;
  }
  return best;
}
