/** A stored hash within the radius. */
export interface Neighbour {
  id: number;
  distance: number;
}

const WORDS = 16;
const WORD_VALUES = 1 << 16;
/** 32-bit parts of a hash. */
const PARTS = 8;
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;
/** Chains link items counted from one, so that untouched memory is an empty table. */
const END = 0;

/** The largest radius at which no pair can be missed: two hashes that differ in at most 31 of 256 bits differ in at
 * most one bit in at least one of their 16 words. */
export const maxHammingRadius = 31;

/**
 * An index of 256-bit hashes that finds *every* stored hash within a Hamming radius of up to 31 (multi-index hashing,
 * Norouzi et al. 2012): 16 tables by 16-bit word, each probed with the word itself and, from radius 16 on, with its 16
 * neighbours at distance 1. 100 bytes an item (32 hash, 64 links, 4 id), 4 MiB for the tables; grows in pages.
 */
export class HammingIndex {
  /** First item of each word's chain: [WORDS × WORD_VALUES]. */
  private readonly heads = new Uint32Array(WORDS * WORD_VALUES);
  /** [PAGE × PARTS], [PAGE × WORDS] and [PAGE] a page. */
  private readonly hashes: Uint32Array[] = [];
  private readonly links: Uint32Array[] = [];
  private readonly ids: Uint32Array[] = [];
  private readonly probe = new Uint32Array(PARTS);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Bytes held, the tables included. */
  get byteLength(): number {
    const pages = this.hashes.length * PAGE * 4 * (PARTS + WORDS + 1);
    return this.heads.byteLength + pages;
  }

  /**
   * @param hash 64 hex digits
   * @param id a whole number below 2³²; need not be unique
   */
  add(hash: string, id: number): void {
    parseHash(hash, this.probe);
    const item = this.count++;
    const page = item >>> PAGE_BITS;
    const slot = item & (PAGE - 1);
    if (page === this.hashes.length) {
      this.hashes.push(new Uint32Array(PAGE * PARTS));
      this.links.push(new Uint32Array(PAGE * WORDS));
      this.ids.push(new Uint32Array(PAGE));
    }
    this.hashes[page]!.set(this.probe, slot * PARTS);
    this.ids[page]![slot] = id;
    const links = this.links[page]!;
    for (let word = 0; word < WORDS; word++) {
      const head = word * WORD_VALUES + wordOf(this.probe, word);
      links[slot * WORDS + word] = this.heads[head]!;
      this.heads[head] = item + 1;
    }
  }

  /** Every stored hash within the radius, nearest first, then by id. @throws RangeError beyond radius 31 */
  within(hash: string, radius: number): Neighbour[] {
    const found = new Map<number, number>();
    this.visit(hash, radius, (item, distance) => {
      found.set(item, distance);
      return radius;
    });
    const neighbours = [...found].map(([item, distance]) => ({ id: this.idOf(item), distance }));
    return neighbours.sort((a, b) => a.distance - b.distance || a.id - b.id);
  }

  /** The nearest stored hash within the radius (of equally near ones that of the smallest id), or null. */
  nearest(hash: string, radius: number): Neighbour | null {
    let best: Neighbour | null = null;
    this.visit(hash, radius, (item, distance) => {
      const id = this.idOf(item);
      if (!best || distance < best.distance || (distance === best.distance && id < best.id)) {
        best = { id, distance };
      }
      return best.distance;
    });
    return best;
  }

  private idOf(item: number): number {
    return this.ids[item >>> PAGE_BITS]![item & (PAGE - 1)]!;
  }

  /** Calls `hit` (maybe repeatedly) for every item within the radius; `hit` returns the radius to go on with. */
  private visit(hash: string, radius: number, hit: (item: number, distance: number) => number): void {
    if (!(radius >= 0 && radius <= maxHammingRadius)) {
      throw new RangeError(`Expected a radius from 0 to ${maxHammingRadius}, got ${radius}`);
    }
    const probe = this.probe;
    parseHash(hash, probe);
    const probes = radius < WORDS ? 1 : 17;
    let limit = radius;
    for (let word = 0; word < WORDS; word++) {
      const value = wordOf(probe, word);
      for (let k = 0; k < probes; k++) {
        const near = k === 0 ? value : value ^ (1 << (k - 1));
        let next = this.heads[word * WORD_VALUES + near]!;
        while (next !== END) {
          const item = next - 1;
          const page = item >>> PAGE_BITS;
          const slot = item & (PAGE - 1);
          const distance = distanceWithin(probe, this.hashes[page]!, slot * PARTS, limit);
          if (distance <= limit) limit = hit(item, distance);
          next = this.links[page]![slot * WORDS + word]!;
        }
      }
    }
  }
}

function wordOf(parts: Uint32Array, word: number): number {
  return (parts[word >> 1]! >>> (word & 1 ? 0 : 16)) & 0xffff;
}

/** @throws TypeError where the text is not 64 hex digits */
function parseHash(hash: string, into: Uint32Array): void {
  if (!/^[0-9a-fA-F]{64}$/.test(hash)) throw new TypeError(`Expected 64 hex digits, got "${hash}"`);
  for (let i = 0; i < PARTS; i++) into[i] = parseInt(hash.slice(i * 8, i * 8 + 8), 16);
}

function popcount(value: number): number {
  let v = value - ((value >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Distance, or some number above the limit as soon as it is passed. */
function distanceWithin(a: Uint32Array, b: Uint32Array, offset: number, limit: number): number {
  let distance = 0;
  for (let i = 0; i < PARTS && distance <= limit; i++) distance += popcount(a[i]! ^ b[offset + i]!);
  return distance;
}

/** Number of differing bits of two hashes of 64 hex digits. */
export function hammingDistance(a: string, b: string): number {
  const x = new Uint32Array(PARTS);
  const y = new Uint32Array(PARTS);
  parseHash(a, x);
  parseHash(b, y);
  return distanceWithin(x, y, 0, 256);
}
