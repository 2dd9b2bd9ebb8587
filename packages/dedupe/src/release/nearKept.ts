import { nearPairsInTurns } from "../batch/nearJoin.js";
import { HammingIndex } from "../hammingIndex.js";
import { pdqParts } from "../pdqBits.js";
import type { ReleaseProgress } from "./releaseProgress.js";

/** Finds the nearest of the pictures that were kept so far; of equally near ones the first. Pictures go by number. */
export interface NearKept {
  nearest(item: number): number | null;
  keep(item: number): void;
}

export interface NearOptions {
  /** From so many hashes on near pairs are joined at once instead of looked up; changes nothing but the time. */
  joinFrom?: number;
  /** Told often how far the decision is. */
  onProgress?: (progress: ReleaseProgress) => void;
}

/** From so many hashes on joining them at once is worth it (bench/dedupe/README.md). */
const worthJoining = 1 << 14;
/** Pairs held per hash at most; where clusters are larger, looking up one by one meets fewer. */
const pairsEach = 32;

/**
 * The way that is fastest for so many hashes; which one makes no difference to what is found.
 * @param hashes [N × 8]
 */
export async function openNearKept(
  hashes: Uint32Array,
  radius: number,
  { joinFrom = worthJoining, onProgress }: NearOptions = {},
): Promise<NearKept> {
  const count = hashes.length / pdqParts;
  return (count >= joinFrom ? await joined(hashes, radius, onProgress) : null) ?? lookedUp(hashes, radius);
}

/** An index of the kept, looked up one by one. @param hashes [N × 8] */
export function lookedUp(hashes: Uint32Array, radius: number): NearKept {
  const index = new HammingIndex();
  const items: number[] = [];
  const hashOf = (item: number) => hashes.subarray(item * pdqParts, (item + 1) * pdqParts);
  return {
    nearest: (item) => {
      const found = index.nearest(hashOf(item), radius);
      return found === null ? null : items[found.id]!;
    },
    keep: (item) => void (items[index.add(hashOf(item))] = item),
  };
}

/** All pairs found beforehand, in a chain for each picture; null where they are too many to hold. @param hashes [N × 8] */
export async function joined(
  hashes: Uint32Array,
  radius: number,
  onProgress?: NearOptions["onProgress"],
): Promise<NearKept | null> {
  const count = hashes.length / pdqParts;
  const most = pairsEach * Math.max(count, 1 << 16);
  const pairs = new PairChains(count);
  const onPair = (a: number, b: number, distance: number) => {
    pairs.add(b, a, distance);
    return pairs.size < most;
  };
  await nearPairsInTurns(hashes, radius, onPair, (share) =>
    onProgress?.({ step: "near_pairs", done: Math.floor(share * count), of: count }),
  );
  if (pairs.size >= most) return null;
  const kept = new Uint8Array(count);
  return {
    nearest: (item) => pairs.nearest(item, (earlier) => kept[earlier] === 1),
    keep: (item) => void (kept[item] = 1),
  };
}

/** The earlier neighbours of each item: 4 bytes an item, 9 to 18 a pair. */
class PairChains {
  /** First pair of each item's chain, counted from one. */
  readonly #heads: Uint32Array;
  #earlier = new Uint32Array(1024);
  #next = new Uint32Array(1024);
  #distances = new Uint8Array(1024);
  #count = 0;

  constructor(items: number) {
    this.#heads = new Uint32Array(items);
  }

  get size(): number {
    return this.#count;
  }

  add(item: number, earlier: number, distance: number): void {
    const pair = this.#count++;
    if (pair === this.#next.length) this.#grow();
    this.#earlier[pair] = earlier;
    this.#distances[pair] = distance;
    this.#next[pair] = this.#heads[item]!;
    this.#heads[item] = pair + 1;
  }

  nearest(item: number, counts: (earlier: number) => boolean): number | null {
    let [best, bestDistance] = [-1, Infinity];
    for (let next = this.#heads[item]!; next !== 0; next = this.#next[next - 1]!) {
      const earlier = this.#earlier[next - 1]!;
      const distance = this.#distances[next - 1]!;
      if (distance > bestDistance || (distance === bestDistance && earlier > best)) continue;
      if (counts(earlier)) [best, bestDistance] = [earlier, distance];
    }
    return best < 0 ? null : best;
  }

  #grow(): void {
    const grown = <T extends Uint32Array | Uint8Array>(into: T, from: T): T => (into.set(from), into);
    const length = this.#next.length * 2;
    this.#earlier = grown(new Uint32Array(length), this.#earlier);
    this.#next = grown(new Uint32Array(length), this.#next);
    this.#distances = grown(new Uint8Array(length), this.#distances);
  }
}
