import { describe, expect, test } from "vitest";
import { hammingDistance, HammingIndex } from "../src/hammingIndex.js";

/** xorshift32: the same hashes in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Random hashes, every second one followed by a copy with 0 to 40 bits turned. */
function plantedHashes(count: number): { hashes: string[]; bytes: Uint8Array[] } {
  const random = generator(7);
  const bytes: Uint8Array[] = [];
  while (bytes.length < count) {
    const base = new Uint8Array(32).map(() => random() & 255);
    bytes.push(base);
    if (bytes.length % 2 === 0 || bytes.length >= count) continue;
    const copy = base.slice();
    const places = new Set<number>();
    const flips = random() % 41;
    // half of the copies spread their flips over the words as evenly as they can: the hardest case
    const spread = random() & 1;
    while (places.size < flips) {
      places.add(spread ? (places.size % 16) * 16 + (random() & 15) : random() & 255);
      if (spread && places.size >= flips) break;
    }
    for (const bit of places) copy[bit >> 3]! ^= 1 << (bit & 7);
    bytes.push(copy);
  }
  return { hashes: bytes.map(hex), bytes };
}

/** Set bits of two 32-bit words. */
function bitsOfTwo(a: number, b: number): number {
  let v = a - ((a >>> 1) & 0x55555555);
  let w = b - ((b >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  v = (v & 0x0f0f0f0f) + ((v >>> 4) & 0x0f0f0f0f) + (w & 0x0f0f0f0f) + ((w >>> 4) & 0x0f0f0f0f);
  return Math.imul(v, 0x01010101) >>> 24;
}

describe("HammingIndex", () => {
  test("finds exactly the pairs that brute force finds among 20,000 hashes", () => {
    const { hashes, bytes } = plantedHashes(20_000);
    const flat = new Uint32Array(bytes.length * 8);
    for (const [i, b] of bytes.entries()) flat.set(new Uint32Array(b.buffer, 0, 8), i * 8);
    const expected = new Set<string>();
    for (let i = 0; i < flat.length; i += 8) {
      const [a0, a1] = [flat[i]!, flat[i + 1]!];
      for (let j = i + 8; j < flat.length; j += 8) {
        let distance = bitsOfTwo(a0 ^ flat[j]!, a1 ^ flat[j + 1]!);
        for (let k = 2; k < 8 && distance <= 31; k += 2) {
          distance += bitsOfTwo(flat[i + k]! ^ flat[j + k]!, flat[i + k + 1]! ^ flat[j + k + 1]!);
        }
        if (distance <= 31) expected.add(`${i / 8} ${j / 8} ${distance}`);
      }
    }
    expect(expected.size).toBeGreaterThan(5_000);

    const index = new HammingIndex();
    const found = new Set<string>();
    for (const [i, hash] of hashes.entries()) {
      for (const { id, distance } of index.within(hash, 31)) found.add(`${id} ${i} ${distance}`);
      index.add(hash, i);
    }
    expect(found).toEqual(expected);
  });

  test("holds an item in at most 100 bytes beside its tables", () => {
    const index = new HammingIndex();
    const empty = index.byteLength;
    const { hashes } = plantedHashes(1 << 14);
    for (const [i, hash] of hashes.entries()) index.add(hash, i);
    expect((index.byteLength - empty) / index.size).toBeLessThanOrEqual(100);
  });

  test("nearest prefers the smaller distance, then the smaller id, whatever the order of adding", () => {
    const zero = "0".repeat(64);
    const one = "1" + "0".repeat(63);
    const three = "7" + "0".repeat(63);
    for (const order of [
      [three, 1, one, 5, one, 2],
      [one, 2, one, 5, three, 1],
    ] as const) {
      const index = new HammingIndex();
      for (let i = 0; i < order.length; i += 2) index.add(order[i] as string, order[i + 1] as number);
      expect(index.nearest(zero, 31)).toEqual({ id: 2, distance: 1 });
      expect(index.nearest(zero, 0)).toBeNull();
      expect(index.within(zero, 31).map(({ id }) => id)).toEqual([2, 5, 1]);
    }
  });

  test("a radius beyond 31, where pairs could be missed, is refused, and so is a text that is no hash", () => {
    const index = new HammingIndex();
    expect(() => index.nearest("0".repeat(64), 32)).toThrow(RangeError);
    expect(() => index.add("xyz", 1)).toThrow(TypeError);
  });

  test("hammingDistance counts differing bits", () => {
    expect(hammingDistance("0".repeat(64), "f".repeat(64))).toBe(256);
    expect(hammingDistance("0".repeat(64), "8".repeat(1) + "0".repeat(62) + "3")).toBe(3);
  });
});
