import { RandomNumbers } from "@pairloom/clip/images";
import { ShardReader } from "@pairloom/shards";
import type { Tokenizer } from "@pairloom/tokenizer";
import { foldCaption } from "./captionNumbers.js";
import type { Release } from "./openRelease.js";
import { shuffle } from "./shuffle.js";

/** What the captions of a release (the first text of each pair) look like before a training on them. */
export interface CaptionReport {
  /** Captions that were looked at. */
  sampled: number;
  /** Share of them that another of them equals, whatever the case. */
  repeated: number;
  /** Share of them that has more tokens than the context holds. */
  truncated: number;
}

/** Captions that are looked at, at most. */
export const reportedCaptions = 10_000;

export function reportCaptions(
  captions: readonly string[],
  contextLength: number,
  tokenizer: Tokenizer,
): CaptionReport {
  const times = new Map<string, number>();
  for (const caption of captions) {
    const folded = foldCaption(caption);
    times.set(folded, (times.get(folded) ?? 0) + 1);
  }
  let repeated = 0;
  for (const count of times.values()) if (count > 1) repeated += count;
  // start and end take a place each
  const cut = captions.filter((caption) => tokenizer.encode(caption).length + 2 > contextLength).length;
  const sampled = captions.length;
  const share = (count: number) => (sampled === 0 ? 0 : count / sampled);
  return { sampled, repeated: share(repeated), truncated: share(cut) };
}

/** A sample of captions that are in memory, chosen by the seed. */
export function drawCaptions(captions: readonly string[], seed: number): string[] {
  const drawn = [...captions];
  shuffle(drawn, new RandomNumbers(seed, "captions of the report"));
  return drawn.slice(0, reportedCaptions);
}

/** A sample of captions of a release that is not in memory: the pairs of whole shards, in an order that the seed chooses. */
export async function readCaptions(release: Release, seed: number): Promise<string[]> {
  // a small window: the order of the shards is what matters
  const reader = await ShardReader.open(release.store, { seed, shuffleBuffer: 64 });
  const captions: string[] = [];
  for await (const { text } of reader) {
    captions.push(text.trim());
    if (captions.length >= reportedCaptions) break;
  }
  return captions;
}
