import { checkRadius, distanceWithin, parsePdq, pdqParts, pdqWords, wordOf, wordValues } from "./pdqBits.js";

/** A stored hash within the radius. */
export interface Neighbour {
  /** What `add` said of it. */
  id: number;
  distance: number;
}

type Hash = string | Uint32Array;

const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** Chains link items counted from one, so that untouched memory is an empty table. */
const END = 0;

/**
 * An index of 256-bit hashes that finds *every* stored hash within a Hamming radius of up to 31 (multi-index hashing,
 * Norouzi et al. 2012): 16 tables by 16-bit word, each probed with the word itself and, from radius 16 on, with its 16
 * neighbours at distance 1. 96 bytes an item (32 hash, 64 links) and 4 MiB for the tables; grows in pages.
 */
export class HammingIndex {
  /** First item of each word's chain: [16 × 65,536]. */
  private readonly heads = new Uint32Array(pdqWords * wordValues);
  /** [PAGE × 8] and [PAGE × 16] a page. */
  private readonly hashes: Uint32Array[] = [];
  private readonly links: Uint32Array[] = [];
  private readonly probe = new Uint32Array(pdqParts);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Bytes held, the tables included. */
  get byteLength(): number {
    const pages = this.hashes.length * PAGE * 4 * (pdqParts + pdqWords);
    return this.heads.byteLength + pages;
  }

  /**
   * @param hash 64 hex digits, or its 8 parts
   * @returns its number, counted from 0 as they come
   */
  add(hash: Hash): number {
    this.setProbe(hash);
    const item = this.count++;
    const page = item >>> PAGE_BITS;
    const slot = item & (PAGE - 1);
    if (page === this.hashes.length) {
      this.hashes.push(new Uint32Array(PAGE * pdqParts));
      this.links.push(new Uint32Array(PAGE * pdqWords));
    }
    this.hashes[page]!.set(this.probe, slot * pdqParts);
    const links = this.links[page]!;
    for (let word = 0; word < pdqWords; word++) {
      const head = word * wordValues + wordOf(this.probe, word);
      links[slot * pdqWords + word] = this.heads[head]!;
      this.heads[head] = item + 1;
    }
    return item;
  }

  /** Every stored hash within the radius, nearest first, then by id. @throws RangeError beyond radius 31 */
  within(hash: Hash, radius: number): Neighbour[] {
    const found = new Map<number, number>();
    this.visit(hash, radius, (item, distance) => {
      found.set(item, distance);
      return radius;
    });
    const neighbours = [...found].map(([id, distance]) => ({ id, distance }));
    return neighbours.sort((a, b) => a.distance - b.distance || a.id - b.id);
  }

  /** The nearest stored hash within the radius (of equally near ones that of the smallest id), or null. */
  nearest(hash: Hash, radius: number): Neighbour | null {
    let best: Neighbour | null = null;
    this.visit(hash, radius, (id, distance) => {
      if (!best || distance < best.distance || (distance === best.distance && id < best.id)) {
        best = { id, distance };
      }
      return best.distance;
    });
    return best;
  }

  private setProbe(hash: Hash): void {
    if (typeof hash === "string") parsePdq(hash, this.probe);
    else this.probe.set(hash);
  }

  /** Calls `hit` (maybe repeatedly) for every item within the radius; `hit` returns the radius to go on with. */
  private visit(hash: Hash, radius: number, hit: (item: number, distance: number) => number): void {
    checkRadius(radius);
    const probe = this.probe;
    this.setProbe(hash);
    const probes = radius < pdqWords ? 1 : 17;
    let limit = radius;
    for (let word = 0; word < pdqWords; word++) {
      const value = wordOf(probe, word);
      for (let k = 0; k < probes; k++) {
        const near = k === 0 ? value : value ^ (1 << (k - 1));
        let next = this.heads[word * wordValues + near]!;
        while (next !== END) {
          const item = next - 1;
          const page = item >>> PAGE_BITS;
          const slot = item & (PAGE - 1);
          const distance = distanceWithin(probe, this.hashes[page]!, slot * pdqParts, limit);
          if (distance <= limit) limit = hit(item, distance);
          next = this.links[page]![slot * pdqWords + word]!;
        }
      }
    }
  }
}
