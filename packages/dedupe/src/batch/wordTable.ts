import { pdqParts, wordOf, wordValues } from "../pdqBits.js";

/**
 * The items of a column of hashes ordered by one of their 16 words: those with value v are
 * `order[starts[v]] … order[starts[v + 1] − 1]`, by number. 4 bytes an item and 256 KiB, used anew for each word.
 */
export class WordTable {
  readonly order: Uint32Array;
  readonly starts = new Uint32Array(wordValues + 1);

  /** @param hashes [N × 8] */
  constructor(readonly hashes: Uint32Array) {
    this.order = new Uint32Array(hashes.length / pdqParts);
  }

  /** Orders the items by word 0 … 15: a counting sort. */
  build(word: number): this {
    const { hashes, order, starts } = this;
    starts.fill(0);
    for (let item = 0; item < order.length; item++) starts[wordOf(hashes, word, item * pdqParts)]!++;
    // From counts to the ends of the runs, which filling from behind turns into their beginnings.
    for (let value = 1; value <= wordValues; value++) starts[value]! += starts[value - 1]!;
    for (let item = order.length - 1; item >= 0; item--)
      order[--starts[wordOf(hashes, word, item * pdqParts)]!] = item;
    return this;
  }
}
