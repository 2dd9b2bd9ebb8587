import { describe, expect, test } from "vitest";
import { nearLookups, nearPairs, nearPairsInTurns } from "../src/batch/nearJoin.js";
import { packPdqs } from "../src/pdqBits.js";
import { hexOf, pairsByBruteForce, plantedHashes } from "./plantedHashes.js";

const hashes = plantedHashes(20_000);
const packed = packPdqs(hashes.map(hexOf));

/** What a join tells, in the form of `pairsByBruteForce`. */
function told(join: (onPair: (a: number, b: number, distance: number) => void) => void): string[] {
  const pairs: string[] = [];
  join((a, b, distance) => pairs.push(`${a} ${b} ${distance}`));
  return pairs;
}

describe("nearPairs", () => {
  test.each([31, 20, 16, 15, 3, 0])(
    "tells exactly the pairs that brute force finds among 20,000 hashes, each once, at radius %d",
    (radius) => {
      const expected = pairsByBruteForce(hashes, radius);
      const found = told((onPair) => nearPairs(packed, radius, onPair));
      expect(found.length).toBe(expected.size);
      expect(new Set(found)).toEqual(expected);
    },
  );

  test("a join in turns tells its growing share, up to the whole", async () => {
    const shares: number[] = [];
    const pairs: string[] = [];
    await nearPairsInTurns(
      packed,
      31,
      (a, b, distance) => pairs.push(`${a} ${b} ${distance}`),
      (share) => shares.push(share),
    );
    expect(new Set(pairs)).toEqual(pairsByBruteForce(hashes, 31));
    expect(shares.length).toBeGreaterThan(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares[0]).toBeGreaterThan(0);
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
  });

  test("shares of the words tell shares of the pairs", () => {
    const odd = [1, 3, 5, 7, 9, 11, 13, 15];
    const even = [14, 12, 10, 8, 6, 4, 2, 0];
    const shares = [odd, even].flatMap((words) => told((onPair) => nearPairs(packed, 31, onPair, words)));
    const whole = told((onPair) => nearPairs(packed, 31, onPair));
    expect(shares.sort()).toEqual(whole.sort());
  });

  test("no hash, one hash and many equal ones", () => {
    expect(told((onPair) => nearPairs(new Uint32Array(0), 31, onPair))).toEqual([]);
    expect(told((onPair) => nearPairs(packPdqs(["f".repeat(64)]), 31, onPair))).toEqual([]);
    const same = packPdqs(Array.from({ length: 30 }, () => "0f".repeat(32)));
    expect(told((onPair) => nearPairs(same, 31, onPair))).toHaveLength((30 * 29) / 2);
  });

  test("a radius beyond 31, where pairs could be missed, is refused", () => {
    expect(() => nearPairs(packed, 32, () => undefined)).toThrow(RangeError);
  });
});

describe("nearLookups", () => {
  test.each([31, 7])("tells exactly the pairs of two sets that brute force finds, at radius %d", (radius) => {
    // Every fourth hash is a probe.
    const place = (i: number): number => (i % 4 === 0 ? i / 4 : i - Math.floor(i / 4) - 1);
    const expected = [...pairsByBruteForce(hashes, radius)].flatMap((pair) => {
      const [a, b, distance] = pair.split(" ").map(Number) as [number, number, number];
      if ((a % 4 === 0) === (b % 4 === 0)) return [];
      return [`${place(a % 4 === 0 ? a : b)} ${place(a % 4 === 0 ? b : a)} ${distance}`];
    });
    const [probes, stored] = [true, false].map((wanted) =>
      packPdqs(hashes.filter((_, i) => (i % 4 === 0) === wanted).map(hexOf)),
    ) as [Uint32Array, Uint32Array];
    const found = told((onPair) => nearLookups(probes, stored, radius, onPair));
    expect(expected.length).toBeGreaterThan(10);
    expect(found.sort()).toEqual(expected.sort());
  });
});
