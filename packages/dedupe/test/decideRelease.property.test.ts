import { releaseSettings } from "@pairloom/config";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideRelease, type ReleaseDecision } from "../src/decideRelease.js";
import type { SegmentedRow } from "../src/release/picture.js";
import { pdqOf, row, type Wish } from "./rows.js";

const settings = releaseSettings.parse({
  maxPairsPerQuery: 3,
  maxCaptionRepeats: 3,
  samplesPerShard: 4,
  holdOut: [{ name: "stars", pattern: "star" }],
  dedupe: { placeholderUrls: 5, placeholderCaptions: 3 },
});
const options = { blocklist: { domains: ["h3.example"] } };
const associations = [
  { query: "q1", pages: ["http://p/1"], images: [] },
  { query: "q2", pages: ["http://p/1", "http://p/2"], images: ["http://h1.example/1.jpg"] },
];

const texts = ["a red star", "a blue circle", "IMG_1.jpg", "a green square", "the same old words", "photo"];

/** Rows from small worlds, so that everything collides with everything. */
const wish: fc.Arbitrary<Wish> = fc.record({
  url: fc
    .tuple(fc.nat(4), fc.nat(5), fc.nat(1))
    .map(([h, n, u]) => `http://h${h}.example/${n}.jpg${u ? "?utm=1" : ""}`),
  texts: fc.array(
    fc.record({ kind: fc.constantFrom("alt", "title", "figcaption"), text: fc.constantFrom(...texts) }),
    {
      minLength: 1,
      maxLength: 2,
    },
  ),
  pageUrl: fc.constantFrom(null, "http://p/1", "http://p/2", "http://h3.example/page"),
  query: fc.constantFrom(null, "q1", "q3"),
  licence: fc.constantFrom(null, "CC0-1.0", "CC-BY-4.0"),
  language: fc.constantFrom(null, "en", "de"),
  reason: fc.constantFrom(
    null,
    null,
    null,
    null,
    "http_404",
    "timeout",
    "duplicate_url",
    "optout_page_meta",
    "optout_x_robots_tag",
    "decode_failed",
  ),
  content: fc.nat(7).map((n) => `content ${n}`),
  pdq: fc.tuple(fc.nat(3), fc.nat(40)).map(([n, flips]) => pdqOf(`near ${n}`, Math.min(flips, 32))),
  quality: fc.constantFrom(40, 100),
  side: fc.integer({ min: 10, max: 13 }),
  segment: fc.constantFrom("s1", "s2", "s3"),
});

const rowsArbitrary = fc.array(wish.map(row), { maxLength: 60 });

function invariants(rows: SegmentedRow[], { samples, rejected, counts }: ReleaseDecision): void {
  const candidates = new Set(rows.map((r) => r.row.candidateId));
  expect(samples.length + rejected.length).toBe(candidates.size);
  expect(counts.candidates).toBe(candidates.size);
  expect(counts.kept + Object.values(counts.rejected).reduce((a, b) => a + b, 0)).toBe(candidates.size);
  expect(new Set(rejected.map(({ candidateId }) => candidateId)).size).toBe(rejected.length);
  const keys = new Set(samples.map(({ key }) => key));
  expect(keys.size).toBe(samples.length);
  const rejectedIds = new Set(rejected.map(({ candidateId }) => candidateId));
  for (const { duplicateOf, reason } of rejected) {
    if (duplicateOf !== null) expect(keys.has(duplicateOf) || rejectedIds.has(duplicateOf)).toBe(true);
    if (reason.startsWith("duplicate_") && duplicateOf === null) expect(reason).toBe("duplicate_url");
  }
  const perQuery = new Map<string, number>();
  for (const { queries, caption, member } of samples) {
    expect(caption).not.toBe("");
    expect(member).not.toBe("");
    if (queries.length > 0)
      expect(queries.some((query) => (perQuery.get(query) ?? 0) < 3 * samples.length)).toBe(true);
    for (const query of queries) perQuery.set(query, (perQuery.get(query) ?? 0) + 1);
  }
}

describe("the release decision, on any rows", () => {
  test("kept + rejected = distinct candidates, each once", () => {
    fc.assert(
      fc.property(rowsArbitrary, (rows) =>
        invariants(rows, decideRelease(rows, associations, settings, options)),
      ),
      { numRuns: 100 },
    );
  });

  test("any order of rows and associations gives the same decision", () => {
    fc.assert(
      fc.property(
        rowsArbitrary.chain((rows) =>
          fc.tuple(
            fc.constant(rows),
            fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
          ),
        ),
        fc.constantFrom("train" as const, "held_out" as const),
        ([rows, shuffled], side) => {
          const decision = decideRelease(rows, associations, settings, { ...options, side });
          const again = decideRelease(shuffled, associations.toReversed(), settings, { ...options, side });
          expect(again).toEqual(decision);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("near pairs joined at once give the decision that looking them up one by one gives", () => {
    fc.assert(
      fc.property(rowsArbitrary, fc.constantFrom(31, 12, 0), (rows, radius) => {
        const at = { ...settings, dedupe: { ...settings.dedupe, radius } };
        const decide = (joinFrom: number) => decideRelease(rows, associations, at, { ...options, joinFrom });
        expect(decide(0)).toEqual(decide(Infinity));
      }),
      { numRuns: 100 },
    );
  });

  test("any layers switched off: kept + rejected = distinct candidates, whatever the order", () => {
    const layers = fc.record({
      url: fc.boolean(),
      bytes: fc.boolean(),
      near: fc.boolean(),
      pairs: fc.boolean(),
      placeholders: fc.boolean(),
    });
    fc.assert(
      fc.property(rowsArbitrary, layers, (rows, switches) => {
        const at = { ...settings, dedupe: { ...settings.dedupe, ...switches } };
        const decision = decideRelease(rows, associations, at, options);
        invariants(rows, decision);
        expect(decideRelease(rows.toReversed(), associations, at, options)).toEqual(decision);
      }),
      { numRuns: 100 },
    );
  });

  test("any split into segments gives the same decision, but for where the pictures lie", () => {
    const bare = ({ samples, ...rest }: ReleaseDecision) => ({
      ...rest,
      samples: samples.map(({ segment: _, ...sample }) => sample),
    });
    fc.assert(
      fc.property(rowsArbitrary, fc.array(fc.nat(20), { minLength: 60, maxLength: 60 }), (rows, split) => {
        const moved = rows.map((r, i) => ({ ...r, segment: `t${split[i]}` }));
        const decide = (given: SegmentedRow[]) => bare(decideRelease(given, associations, settings, options));
        expect(decide(moved)).toEqual(decide(rows));
      }),
      { numRuns: 100 },
    );
  });

  test("the same candidates fetched in any order, each URL once, give the same release but for its members", () => {
    /** What the web answers at a canonical URL: it depends on the URL alone. */
    const answer = (url: string): Partial<Wish> => {
      const [, host, n] = /h(\d)\.example\/(\d)/.exec(url)!.map(Number) as [number, number, number];
      if ((host + n) % 5 === 4) return { reason: "http_404" };
      return {
        content: `content ${(host * n) % 4}`,
        pdq: pdqOf(`near ${n % 3}`, host * 6),
        side: 10 + ((host + n) % 3),
      };
    };
    const crawl = (wishes: Wish[]): SegmentedRow[] => {
      const seen = new Set<string>();
      return wishes.map((given, i) => {
        const { reason: _r, content: _c, pdq: _p, side: _s, quality: _q, ...found } = given;
        const segment = `s${Math.floor(i / 7)}`;
        if (given.reason === "optout_page_meta")
          return row({ ...found, reason: "optout_page_meta", optOuts: ["noai"], segment });
        const canonical = found.url.replace(/\?utm=.*/, "");
        if (seen.has(canonical)) return row({ ...found, reason: "duplicate_url", segment });
        seen.add(canonical);
        return row({ ...found, ...answer(found.url), segment });
      });
    };
    const bare = ({ samples, ...rest }: ReleaseDecision) => ({
      ...rest,
      samples: samples.map(({ segment: _s, member: _m, ...sample }) => sample),
    });
    /** The road's queue hands a candidate out once. */
    const once = (wishes: Wish[]): Wish[] => [
      ...new Map(
        wishes.map((w) => [
          row({ ...w, optOuts: w.reason === "optout_page_meta" ? ["noai"] : [] }).row.candidateId,
          w,
        ]),
      ).values(),
    ];
    fc.assert(
      fc.property(
        fc.array(wish, { maxLength: 60 }).chain((all) => {
          const wishes = once(all);
          return fc.tuple(
            fc.constant(wishes),
            fc.shuffledSubarray(wishes, { minLength: wishes.length, maxLength: wishes.length }),
          );
        }),
        ([wishes, shuffled]) => {
          const decide = (given: Wish[]) =>
            bare(decideRelease(crawl(given), associations, settings, options));
          expect(decide(shuffled)).toEqual(decide(wishes));
        },
      ),
      { numRuns: 100 },
    );
  });
});
