import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { releaseSettings } from "@pairloom/config";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SegmentedRow } from "../src/release/picture.js";
import { Spill } from "../src/sorting/spill.js";
import { type Decided, decided } from "./decided.js";
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

const layers = fc.record({
  url: fc.boolean(),
  bytes: fc.boolean(),
  near: fc.boolean(),
  pairs: fc.boolean(),
  placeholders: fc.boolean(),
});

const rowsArbitrary = fc.array(wish.map(row), { maxLength: 60 });

function invariants(rows: SegmentedRow[], { samples, rejected, counts }: Decided): void {
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
  test("kept + rejected = distinct candidates, each once", async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, async (rows) =>
        invariants(rows, await decided(rows, associations, settings, options)),
      ),
      { numRuns: 100 },
    );
  });

  test("any order of rows and associations gives the same decision", async () => {
    await fc.assert(
      fc.asyncProperty(
        rowsArbitrary.chain((rows) =>
          fc.tuple(
            fc.constant(rows),
            fc.shuffledSubarray(rows, { minLength: rows.length, maxLength: rows.length }),
          ),
        ),
        fc.constantFrom("train" as const, "held_out" as const),
        async ([rows, shuffled], side) => {
          const decision = await decided(rows, associations, settings, { ...options, side });
          const again = await decided(shuffled, associations.toReversed(), settings, { ...options, side });
          expect(again).toEqual(decision);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("near pairs joined at once give the decision that looking them up one by one gives", async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, fc.constantFrom(31, 12, 0), async (rows, radius) => {
        const at = { ...settings, dedupe: { ...settings.dedupe, radius } };
        const decide = (joinFrom: number) => decided(rows, associations, at, { ...options, joinFrom });
        expect(await decide(0)).toEqual(await decide(Infinity));
      }),
      { numRuns: 100 },
    );
  });

  test("with memory for a few rows the decision is the one made in memory", async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, layers, fc.constantFrom(1, 7), async (rows, switches, rowsInMemory) => {
        const at = { ...settings, dedupe: { ...settings.dedupe, ...switches } };
        const spill = new Spill({ rowsInMemory, folder: () => mkdtemp(join(tmpdir(), "pairloom-spill-")) });
        try {
          const spilled = await decided(rows, associations, at, { ...options, spill });
          expect(JSON.stringify(spilled)).toBe(
            JSON.stringify(await decided(rows, associations, at, options)),
          );
        } finally {
          await spill.dispose();
        }
      }),
      { numRuns: 60 },
    );
  });

  test("any layers switched off: kept + rejected = distinct candidates, whatever the order", async () => {
    await fc.assert(
      fc.asyncProperty(rowsArbitrary, layers, async (rows, switches) => {
        const at = { ...settings, dedupe: { ...settings.dedupe, ...switches } };
        const decision = await decided(rows, associations, at, options);
        invariants(rows, decision);
        expect(await decided(rows.toReversed(), associations, at, options)).toEqual(decision);
      }),
      { numRuns: 100 },
    );
  });

  test("any split into segments gives the same decision, but for where the pictures lie", async () => {
    const bare = ({ samples, ...rest }: Decided) => ({
      ...rest,
      samples: samples.map(({ segment: _, ...sample }) => sample),
    });
    await fc.assert(
      fc.asyncProperty(
        rowsArbitrary,
        fc.array(fc.nat(20), { minLength: 60, maxLength: 60 }),
        async (rows, split) => {
          const moved = rows.map((r, i) => ({ ...r, segment: `t${split[i]}` }));
          const decide = async (given: SegmentedRow[]) =>
            bare(await decided(given, associations, settings, options));
          expect(await decide(moved)).toEqual(await decide(rows));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("the same candidates fetched in any order, each URL once, give the same release but for its members", async () => {
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
    const bare = ({ samples, ...rest }: Decided) => ({
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
    await fc.assert(
      fc.asyncProperty(
        fc.array(wish, { maxLength: 60 }).chain((all) => {
          const wishes = once(all);
          return fc.tuple(
            fc.constant(wishes),
            fc.shuffledSubarray(wishes, { minLength: wishes.length, maxLength: wishes.length }),
          );
        }),
        async ([wishes, shuffled]) => {
          const decide = async (given: Wish[]) =>
            bare(await decided(crawl(given), associations, settings, options));
          expect(await decide(shuffled)).toEqual(await decide(wishes));
        },
      ),
      { numRuns: 100 },
    );
  });
});
