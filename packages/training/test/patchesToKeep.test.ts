import fc from "fast-check";
import { expect, test } from "vitest";
import { patchesToKeep } from "../src/data/patchesToKeep.js";

test("each row keeps max(1, ⌊N·(1−share)⌋) different patches of its picture, ascending", () => {
  const share = fc.double({ min: 0, max: 0.999, noNaN: true });
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 60 }),
      share,
      (seed, step, patches, dropped) => {
        const table = patchesToKeep(seed, step, 4, patches, dropped);
        const kept = Math.max(1, Math.floor(patches * (1 - dropped)));
        expect(table.length).toBe(4 * kept);
        for (let at = 0; at < table.length; at++) {
          expect(table[at]).toBeLessThan(patches);
          if (at % kept > 0) expect(table[at]).toBeGreaterThan(table[at - 1]!);
        }
      },
    ),
  );
});

test("the choice depends on seed, step and row, and on nothing else", () => {
  const table = patchesToKeep(1, 5, 8, 64, 0.5);
  expect(patchesToKeep(1, 5, 8, 64, 0.5)).toEqual(table);
  expect(patchesToKeep(1, 5, 3, 64, 0.5)).toEqual(table.subarray(0, 3 * 32));
  expect(patchesToKeep(1, 6, 8, 64, 0.5)).not.toEqual(table);
  expect(patchesToKeep(2, 5, 8, 64, 0.5)).not.toEqual(table);
  expect(table.subarray(0, 32)).not.toEqual(table.subarray(32, 64));
});

test("every patch is kept about equally often", () => {
  const times = new Array<number>(16).fill(0);
  for (let step = 0; step < 100; step++)
    for (const patch of patchesToKeep(0, step, 20, 16, 0.75)) times[patch]!++;
  // 2,000 rows keep 4 of 16: 500 each, with a standard deviation of 19
  for (const count of times) expect(Math.abs(count - 500)).toBeLessThan(100);
});

test("nothing dropped keeps all, and all dropped is refused", () => {
  expect([...patchesToKeep(0, 1, 1, 5, 0)]).toEqual([0, 1, 2, 3, 4]);
  expect(() => patchesToKeep(0, 1, 1, 5, 1)).toThrow(RangeError);
});
