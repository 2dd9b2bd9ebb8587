import { describe, expect, test } from "vitest";
import { HammingIndex } from "../src/hammingIndex.js";
import { hammingDistance } from "../src/pdqBits.js";
import { hexOf, pairsByBruteForce, plantedHashes } from "./plantedHashes.js";

describe("HammingIndex", () => {
  test("finds exactly the pairs that brute force finds among 20,000 hashes, at 31 and not at 32", () => {
    const hashes = plantedHashes(20_000);
    const expected = pairsByBruteForce(hashes, 32);
    const [at31, at32] = [31, 32].map((d) => [...expected].filter((pair) => pair.endsWith(` ${d}`)));
    expect(at31!.length).toBeGreaterThan(1_000);
    expect(at32!.length).toBeGreaterThan(1_000);
    for (const pair of at32!) expected.delete(pair);

    const index = new HammingIndex();
    const found: string[] = [];
    for (const [i, hash] of hashes.map(hexOf).entries()) {
      for (const { id, distance } of index.within(hash, 31)) found.push(`${id} ${i} ${distance}`);
      expect(index.add(hash)).toBe(i);
    }
    expect(found.length).toBe(expected.size);
    expect(new Set(found)).toEqual(expected);
  });

  test("holds an item in 96 bytes beside its tables", () => {
    const index = new HammingIndex();
    const empty = index.byteLength;
    for (const hash of plantedHashes(1 << 14).map(hexOf)) index.add(hash);
    expect((index.byteLength - empty) / index.size).toBe(96);
  });

  test("nearest prefers the smaller distance, then the smaller number", () => {
    const zero = "0".repeat(64);
    const one = "1" + "0".repeat(63);
    const three = "7" + "0".repeat(63);
    for (const [order, nearest, all] of [
      [[three, one, one], 1, [1, 2, 0]],
      [[one, three, one], 0, [0, 2, 1]],
    ] as const) {
      const index = new HammingIndex();
      for (const hash of order) index.add(hash);
      expect(index.nearest(zero, 31)).toEqual({ id: nearest, distance: 1 });
      expect(index.nearest(zero, 0)).toBeNull();
      expect(index.within(zero, 31).map(({ id }) => id)).toEqual(all);
    }
  });

  test("a radius beyond 31, where pairs could be missed, is refused, and so is a text that is no hash", () => {
    const index = new HammingIndex();
    expect(() => index.nearest("0".repeat(64), 32)).toThrow(RangeError);
    expect(() => index.add("xyz")).toThrow(TypeError);
  });

  test("hammingDistance counts differing bits", () => {
    expect(hammingDistance("0".repeat(64), "f".repeat(64))).toBe(256);
    expect(hammingDistance("0".repeat(64), "8".repeat(1) + "0".repeat(62) + "3")).toBe(3);
  });
});
