import { createHash } from "node:crypto";
import { copyOfSample, openShards, type ShardSample } from "@pairloom/shards";

export interface SliceOptions {
  /** Pairs that are wanted. */
  pairs: number;
  seed: number;
  /** Samples that are looked at, at most: of a large release some of its shards, by lot. */
  mostRead?: number;
}

interface Ranked {
  hash: string;
  sample: ShardSample;
}

/**
 * The same pairs each time: those of the smallest seeded hashes of their keys, no two of which have the same caption (whatever its
 * case), so that each text has one right picture. Ordered by that hash.
 *
 * @param place a folder of shards
 */
export async function evaluationSlice(
  place: string,
  { pairs, seed, mostRead = 20_000 }: SliceOptions,
): Promise<ShardSample[]> {
  let best = new Map<string, Ranked>();
  let worst = "g"; // after every hex digit
  let read = 0;
  for await (const sample of await openShards(place, { shuffleBuffer: 256, seed })) {
    if (read++ === mostRead) break;
    const hash = createHash("sha256").update(`${seed} ${sample.key}`).digest("hex");
    const caption = sample.text.trim().toLowerCase();
    const before = best.get(caption);
    if (hash >= worst || caption === "" || (before !== undefined && before.hash <= hash)) continue;
    best.set(caption, { hash, sample: copyOfSample(sample) });
    if (best.size < 2 * pairs + 64) continue;
    best = smallest(best, pairs);
    worst = [...best.values()].at(-1)?.hash ?? worst;
  }
  return [...smallest(best, pairs).values()].map(({ sample }) => sample);
}

function smallest(best: ReadonlyMap<string, Ranked>, count: number): Map<string, Ranked> {
  return new Map([...best].sort(([, a], [, b]) => (a.hash < b.hash ? -1 : 1)).slice(0, count));
}
