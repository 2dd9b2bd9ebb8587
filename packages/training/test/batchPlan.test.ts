import fc from "fast-check";
import { expect, test } from "vitest";
import { batchPlan } from "../src/data/batchPlan.js";

const flat = (plan: Int32Array[]) => plan.flatMap((batch) => [...batch]);

test("a plan has whole batches and no sample twice", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 40 }),
      fc.boolean(),
      (captions, size, apart) => {
        const plan = batchPlan(captions.length, size, 1, 2, apart ? Int32Array.from(captions) : null);
        expect(plan.length).toBe(Math.floor(captions.length / size));
        for (const batch of plan) expect(batch.length).toBe(size);
        const used = flat(plan);
        expect(new Set(used).size).toBe(used.length);
        for (const sample of used) expect(sample).toBeLessThan(captions.length);
      },
    ),
  );
});

test("the order depends on seed and epoch", () => {
  expect(flat(batchPlan(64, 8, 1, 0))).toEqual(flat(batchPlan(64, 8, 1, 0)));
  expect(flat(batchPlan(64, 8, 1, 0))).not.toEqual(flat(batchPlan(64, 8, 1, 1)));
  expect(flat(batchPlan(64, 8, 1, 0))).not.toEqual(flat(batchPlan(64, 8, 2, 0)));
});

test("equal captions are kept apart where the data allow", () => {
  const captions = Int32Array.from({ length: 640 }, (_, i) => i % 80);
  for (const batch of batchPlan(640, 32, 3, 0, captions)) {
    const seen = new Set([...batch].map((sample) => captions[sample]));
    expect(seen.size).toBeGreaterThanOrEqual(28);
  }
  const plain = batchPlan(640, 32, 3, 0).map((batch) => new Set([...batch].map((i) => captions[i])).size);
  expect(Math.min(...plain)).toBeLessThan(27);
});
