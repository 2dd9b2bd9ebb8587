import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QueryBalance } from "../src/queryBalance.js";

describe("QueryBalance", () => {
  test("keeps while one query has room, and samples of no query always", () => {
    const balance = new QueryBalance(1);
    const samples = [["cat"], ["cat", "lynx"], ["cat"], [], ["lynx", "lynx"]];
    expect(samples.map((queries) => balance.keeps(queries))).toEqual([true, true, false, true, false]);
  });

  test("a query loses samples only where it has its fill", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.constantFrom("a", "b", "c")), { maxLength: 30 }),
        fc.integer({ min: 1, max: 5 }),
        (samples, cap) => {
          const balance = new QueryBalance(cap);
          const kept = samples.map((queries) => balance.keeps(queries));
          const keptOf = (query: "a" | "b" | "c") =>
            samples.filter((queries, i) => kept[i] && queries.includes(query)).length;
          for (const [i, queries] of samples.entries()) {
            if (!kept[i]) for (const query of queries) expect(keptOf(query)).toBeGreaterThanOrEqual(cap);
          }
        },
      ),
    );
  });
});
