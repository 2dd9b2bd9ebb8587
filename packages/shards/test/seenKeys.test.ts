import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SeenKeys } from "../src/verify/seenKeys.js";

describe("the keys of a dataset", () => {
  it("are new once, and then of the shard that had them first, however many there are", () => {
    const key = fc.oneof(fc.string(), fc.nat({ max: 5000 }).map(String));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.nat({ max: 999 })), { maxLength: 3000 }), (all) => {
        const seen = new SeenKeys();
        const first = new Map<string, number>();
        for (const [one, shard] of all) {
          expect(seen.add(one, shard)).toBe(first.get(one) ?? null);
          if (!first.has(one)) first.set(one, shard);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("are told apart a hundred thousand at a time", () => {
    const seen = new SeenKeys();
    const keys = Array.from({ length: 100_000 }, (_, i) => String(i).padStart(9, "0"));
    expect(keys.filter((key) => seen.add(key, 0) !== null)).toEqual([]);
    expect(keys.every((key) => seen.add(key, 1) === 0)).toBe(true);
  });
});
