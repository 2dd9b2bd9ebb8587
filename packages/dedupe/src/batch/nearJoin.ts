import { checkRadius, pdqParts, pdqWords, popcount, wordOf, wordValues } from "../pdqBits.js";
import { turns } from "../turns.js";
import { WordTable } from "./wordTable.js";

/** Told each pair once; where it returns false the join ends. */
export type OnPair = (a: number, b: number, distance: number) => unknown;

/** Which of the 16 tables to go through, in any order: all, or a thread's share. */
export type Words = readonly number[];

const allWords: Words = Array.from({ length: pdqWords }, (_, word) => word);

/**
 * Every pair a < b of a column of hashes within the radius, each once: multi-index hashing as `HammingIndex` does it,
 * but one table after the other, so that an item takes 36 bytes (32 hash, 4 place in the table), and block by block:
 * all items of one value of a word against all of another, which the cache holds. Pairs come in no useful order.
 *
 * A pair meets in each word in which it differs by at most one bit and is told in the first of them; shares of the
 * words therefore tell shares of the pairs.
 *
 * @param hashes [N × 8]
 */
export function nearPairs(hashes: Uint32Array, radius: number, onPair: OnPair, words = allWords): void {
  const blocks = pairsByBlock(hashes, radius, onPair, words);
  while (blocks.next().done !== true);
}

/** As `nearPairs`, but timers and sockets have their turn in between, when `onShare` is told what part is done. */
export async function nearPairsInTurns(
  hashes: Uint32Array,
  radius: number,
  onPair: OnPair,
  onShare: (share: number) => void = () => undefined,
): Promise<void> {
  const turn = turns();
  for (const share of pairsByBlock(hashes, radius, onPair, allWords)) {
    const others = turn();
    if (others === null) continue;
    onShare(share);
    await others;
  }
}

/** Finds pairs value by value of each word; tells what part of the work is done. */
function* pairsByBlock(
  hashes: Uint32Array,
  radius: number,
  onPair: OnPair,
  words: Words,
): Generator<number, void> {
  checkRadius(radius);
  const table = new WordTable(hashes);
  const reach = reachOf(radius);
  const told: OnPair = (a, b, distance) => (a < b ? onPair(a, b, distance) : onPair(b, a, distance));
  const count = hashes.length / pdqParts;
  for (const [done, word] of words.entries()) {
    table.build(word);
    const within = blockComparer(table, table, word, radius, reach, told);
    for (let value = 0; value < wordValues; value++) {
      if (table.starts[value] === table.starts[value + 1]) continue;
      if (!within(value, value)) return;
      for (let bit = reach; bit > 0; bit >>>= 1)
        if ((value & bit) === 0 && !within(value, value | bit)) return;
      yield (done + table.starts[value + 1]! / count) / words.length;
    }
  }
}

/**
 * Every pair of a probe and a stored hash within the radius, each once, as `nearPairs` finds them.
 *
 * @param probes [M × 8]; the first number of a pair
 * @param stored [N × 8]; the second
 */
export function nearLookups(
  probes: Uint32Array,
  stored: Uint32Array,
  radius: number,
  onPair: OnPair,
  words = allWords,
): void {
  checkRadius(radius);
  const [left, right] = [new WordTable(probes), new WordTable(stored)];
  const reach = reachOf(radius);
  for (const word of words) {
    left.build(word);
    right.build(word);
    const within = blockComparer(left, right, word, radius, reach, onPair);
    for (let value = 0; value < wordValues; value++) {
      // The stored hashes of a value, mostly the many, come into the cache once for all their probes.
      if (right.starts[value] === right.starts[value + 1]) continue;
      if (!within(value, value)) return;
      for (let bit = reach; bit > 0; bit >>>= 1) if (!within(value ^ bit, value)) return;
    }
  }
}

/** The highest bit of a word that is turned for its neighbours; none below radius 16, where some word is equal. */
const reachOf = (radius: number): number => (radius < pdqWords ? 0 : wordValues >>> 1);

type Parts = [number, number, number, number, number, number, number, number];

/**
 * Compares the items of a value of the left table with those of a value of the right one; of one block each
 * pair once. @returns false where `onPair` ended it
 */
function blockComparer(
  left: WordTable,
  right: WordTable,
  word: number,
  radius: number,
  reach: number,
  onPair: OnPair,
): (leftValue: number, rightValue: number) => boolean {
  const { hashes: x, order: xOrder, starts: xStarts } = left;
  const { hashes: y, order: yOrder, starts: yStarts } = right;
  // The part that holds the word comes last: half of it is known to be alike.
  const [p, q, r, s, t, u, v, w] = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => ((word >> 1) + i) % pdqParts) as Parts;
  return (leftValue, rightValue) => {
    const itself = x === y && leftValue === rightValue;
    const end = yStarts[rightValue + 1]!;
    const start = yStarts[rightValue]!;
    if (start === end) return true;
    for (let i = xStarts[leftValue]!; i < xStarts[leftValue + 1]!; i++) {
      const a = xOrder[i]! * pdqParts;
      const x0 = x[a + p]!;
      const x1 = x[a + q]!;
      const x2 = x[a + r]!;
      for (let j = itself ? i + 1 : start; j < end; j++) {
        const b = yOrder[j]! * pdqParts;
        // Of two hashes that have nothing to do with each other 96 bits differ by 31 or less once in 3,000.
        let distance = bitsOfThree(x0 ^ y[b + p]!, x1 ^ y[b + q]!, x2 ^ y[b + r]!);
        if (distance > radius) continue;
        distance += bitsOfThree(x[a + s]! ^ y[b + s]!, x[a + t]! ^ y[b + t]!, x[a + u]! ^ y[b + u]!);
        distance += popcount(x[a + v]! ^ y[b + v]!) + popcount(x[a + w]! ^ y[b + w]!);
        if (distance > radius || metBefore(x, a, y, b, word, reach)) continue;
        if (onPair(a / pdqParts, b / pdqParts, distance) === false) return false;
      }
    }
    return true;
  };
}

/** Whether two hashes also meet in a word before this one. */
function metBefore(
  x: Uint32Array,
  a: number,
  y: Uint32Array,
  b: number,
  word: number,
  reach: number,
): boolean {
  for (let before = 0; before < word; before++) {
    const turned = wordOf(x, before, a) ^ wordOf(y, before, b);
    if (turned === 0 || (reach > 0 && (turned & (turned - 1)) === 0)) return true;
  }
  return false;
}

/** Set bits of three 32-bit words. */
function bitsOfThree(a: number, b: number, c: number): number {
  a -= (a >>> 1) & 0x55555555;
  b -= (b >>> 1) & 0x55555555;
  c -= (c >>> 1) & 0x55555555;
  a = (a & 0x33333333) + ((a >>> 2) & 0x33333333);
  b = (b & 0x33333333) + ((b >>> 2) & 0x33333333);
  c = (c & 0x33333333) + ((c >>> 2) & 0x33333333);
  const fours = a + b + c;
  return Math.imul((fours & 0x0f0f0f0f) + ((fours >>> 4) & 0x0f0f0f0f), 0x01010101) >>> 24;
}
