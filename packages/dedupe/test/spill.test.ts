import { existsSync } from "node:fs";
import { mkdtemp, readdir, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Spill } from "../src/sorting/spill.js";
import { groupsOf, joined, matched } from "../src/sorting/streams.js";
import { listOf } from "./decided.js";

const newFolder = () => mkdtemp(join(tmpdir(), "pairloom-spill-"));

/** Runs with a spill that holds so many rows, and removes what it left. */
async function withSpill<T>(
  rowsInMemory: number,
  run: (spill: Spill, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await newFolder();
  const spill = new Spill({ folder: async () => folder, rowsInMemory });
  try {
    return await run(spill, folder);
  } finally {
    await spill.dispose();
  }
}

interface Item {
  key: number;
  came: number;
  text: string;
}

describe("Spill", () => {
  test("sorts as Array.sort does, equal records in the order they came, as often as it is gone through", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ key: fc.nat(9), text: fc.string() }), { maxLength: 300 }),
        fc.constantFrom(1, 2, 10, 1000),
        fc.boolean(),
        async (given, rowsInMemory, ordered) => {
          const items = given.map((item, came): Item => ({ ...item, came }));
          const order = ordered ? (a: Item, b: Item) => a.key - b.key : null;
          const expected = order === null ? items : [...items].sort(order);
          await withSpill(rowsInMemory, async (spill) => {
            const sorted = await spill.sort(items, { order });
            expect(sorted.count).toBe(items.length);
            expect(await listOf(sorted)).toEqual(expected);
            expect(await listOf(sorted)).toEqual(expected);
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test("writes nothing while memory has room, few runs however many rows, and gives the disk back", async () => {
    await withSpill(100, async (spill, folder) => {
      const small = await spill.sort([3, 1, 2], { order: (a, b) => a - b });
      expect(await listOf(small)).toEqual([1, 2, 3]);
      expect(await readdir(folder)).toEqual([]);

      const numbers = Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 10_007);
      const large = await spill.sort(numbers, { order: (a, b) => a - b });
      expect((await readdir(folder)).length).toBeLessThanOrEqual(64);
      expect(await listOf(large)).toEqual([...numbers].sort((a, b) => a - b));
      const inOrderOfLastDigit = await spill.sort(numbers, { order: (a, b) => (a % 10) - (b % 10) });
      expect(await listOf(inOrderOfLastDigit)).toEqual([...numbers].sort((a, b) => (a % 10) - (b % 10)));
      await large.drop();
      await inOrderOfLastDigit.drop();
      expect(await readdir(folder)).toEqual([]);
      await spill.dispose();
      expect(existsSync(folder)).toBe(false);
    });
  });

  test("heavy records count for what they weigh", async () => {
    await withSpill(100, async (spill, folder) => {
      const sorter = spill.sorter<number[]>({ order: null, weigh: (list) => list.length });
      await sorter.add(new Array<number>(60).fill(1));
      expect(await readdir(folder)).toEqual([]);
      await sorter.add(new Array<number>(60).fill(2));
      expect(await readdir(folder)).toHaveLength(1);
      expect((await listOf(await sorter.sorted())).map(([first]) => first)).toEqual([1, 2]);
    });
  });

  test("a reader that stops early leaves no file open; a run that was cut off is an error", async () => {
    await withSpill(10, async (spill, folder) => {
      const sorted = await spill.sort(Array(1000).keys(), { order: (a, b) => b - a });
      for await (const record of sorted) if (record < 995) break;
      const open = await readdir("/proc/self/fd").catch(() => []);
      for (const run of await readdir(folder)) await truncate(join(folder, run), 12);
      await expect(listOf(sorted)).rejects.toThrow("ends in the middle of a block");
      expect((await readdir("/proc/self/fd").catch(() => [])).length).toBeLessThanOrEqual(open.length);
    });
  });

  test("what fails on the way leaves no file, open or other", async () => {
    const folder = await newFolder();
    const spill = new Spill({ folder: async () => folder, rowsInMemory: 10 });
    const before = (await readdir("/proc/self/fd").catch(() => [])).length;
    async function* breaking() {
      yield* Array(25).keys();
      throw new Error("the source broke");
    }
    await expect(spill.sort(breaking(), { order: null })).rejects.toThrow("the source broke");
    expect(await readdir(folder)).toHaveLength(1);
    await spill.dispose();
    expect(existsSync(folder)).toBe(false);
    expect((await readdir("/proc/self/fd").catch(() => [])).length).toBeLessThanOrEqual(before);
  });

  test("timers have their turn while a long list in memory is gone through", async () => {
    const sorted = await new Spill().sort(Array(1_000_000).keys(), { order: null });
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    for await (const _ of sorted);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });
});

describe("streams", () => {
  test("groupsOf makes lists of neighbours", async () => {
    const groups = groupsOf([1, 1, 2, 1], (a, b) => a === b);
    expect(await listOf(groups)).toEqual([[1, 1], [2], [1]]);
    expect(await listOf(groupsOf([], () => true))).toEqual([]);
  });

  test("joined gives each record those of its place, and passes over those of none", async () => {
    const others = await new Spill().sort([0, 1, 1, 3, 4], { order: null });
    const pairs = joined([1, 2, 3], others, (other, record) => other - record);
    expect(await listOf(pairs)).toEqual([
      [1, [1, 1]],
      [2, []],
      [3, [3]],
    ]);
  });

  test("matched gives each record the one of its place, also where several records have it", async () => {
    const others = await new Spill().sort([0, 1, 3, 4], { order: null });
    const pairs = matched([1, 1, 2, 3, 5], others, (other, record) => other - record);
    expect(await listOf(pairs)).toEqual([
      [1, 1],
      [1, 1],
      [2, null],
      [3, 3],
      [5, null],
    ]);
  });
});
