import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balanceByQuery, type Balanced } from "../src/balanceByQuery.js";

describe("balanceByQuery", () => {
  test("visits by order, keeps while one query has room, and samples of no query always", () => {
    const samples: Balanced[] = [
      { queries: ["cat"], order: "3" },
      { queries: ["cat"], order: "1" },
      { queries: ["cat", "lynx"], order: "2" },
      { queries: [], order: "9" },
    ];
    expect(balanceByQuery(samples, 1)).toEqual([false, true, true, true]);
  });

  test("a query loses samples only where it has its fill, and a place in the list means nothing", () => {
    const sample = fc.record({ queries: fc.array(fc.constantFrom("a", "b", "c")), order: fc.uuid() });
    fc.assert(
      fc.property(
        fc.uniqueArray(sample, { selector: ({ order }) => order, maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        (samples, cap) => {
          const kept = balanceByQuery(samples, cap);
          const keptOf = (query: "a" | "b" | "c") =>
            samples.filter((s, i) => kept[i] && s.queries.includes(query)).length;
          for (const [i, { queries }] of samples.entries()) {
            if (!kept[i]) for (const query of queries) expect(keptOf(query)).toBeGreaterThanOrEqual(cap);
          }
          expect(balanceByQuery(samples.toReversed(), cap)).toEqual(kept.toReversed());
        },
      ),
    );
  });
});
