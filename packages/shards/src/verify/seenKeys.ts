import type { Report } from "./problem.js";

/** Two 32-bit hashes of a string (FNV-1a and a multiply-xor of another constant), finished as murmur3 does. */
function hashesOf(key: string): [number, number] {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
    b ^= b >>> 13;
  }
  a = Math.imul(a ^ (a >>> 16), 0xc2b2ae35);
  return [(a ^ (a >>> 15)) >>> 0, b >>> 0];
}

const fields = 3;

/**
 * Which shard had a key first, of any number of keys: a table of 64-bit hashes, 16 to 48 bytes a key. (Of 400 million
 * keys two different ones share a hash with a probability of 0.4 %.)
 */
export class SeenKeys {
  /** Slots of hash, hash and shard + 1; 0 there means free. */
  private table = new Uint32Array(fields * 1024);
  private size = 0;

  /** The number of the shard that had the key before; null where it is new, and `shard`'s from now on. */
  add(key: string, shard: number): number | null {
    const [a, b] = hashesOf(key);
    const slot = this.slotOf(this.table, a, b);
    const there = this.table[slot + 2] as number;
    if (there !== 0) return there - 1;
    this.table.set([a, b, shard + 1], slot);
    this.size++;
    if (4 * this.size * fields > 3 * this.table.length) this.grow();
    return null;
  }

  private slotOf(table: Uint32Array, a: number, b: number): number {
    const slots = table.length / fields;
    for (let at = a % slots; ; at = (at + 1) % slots) {
      const slot = fields * at;
      if (table[slot + 2] === 0 || (table[slot] === a && table[slot + 1] === b)) return slot;
    }
  }

  private grow(): void {
    const larger = new Uint32Array(2 * this.table.length);
    for (let slot = 0; slot < this.table.length; slot += fields) {
      if (this.table[slot + 2] === 0) continue;
      const to = this.slotOf(larger, this.table[slot] as number, this.table[slot + 1] as number);
      larger.set(this.table.subarray(slot, slot + fields), to);
    }
    this.table = larger;
  }
}

/**
 * Reports the keys of a shard that an earlier one has too.
 * @param names of all shards
 * @param number which of them it is
 */
export function reportRepeats(
  seen: SeenKeys,
  keys: readonly string[],
  names: readonly string[],
  number: number,
  report: Report,
): void {
  for (const key of keys) {
    const first = seen.add(key, number);
    if (first !== null && first !== number)
      report("key", `${names[number] ?? ""}.tar`, `${key} is in ${names[first] ?? ""}.tar too`, key);
  }
}
