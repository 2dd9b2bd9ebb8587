import { releaseSettings, UserError } from "@pairloom/config";
import { describe, expect, test } from "vitest";
import type { ReleaseOptions } from "../src/decideRelease.js";
import { byteOrder } from "../src/byteOrder.js";
import type { Association } from "../src/release/answers.js";
import { speakersAtMost, type SegmentedRow } from "../src/release/picture.js";
import type { ReleaseProgress } from "../src/release/releaseProgress.js";
import { decided } from "./decided.js";
import { pdqOf, row, sha } from "./rows.js";

type Wished = Parameters<typeof releaseSettings.parse>[0];

async function decide(
  rows: SegmentedRow[],
  settings: Wished = {},
  options: ReleaseOptions = {},
  associations: Association[] = [],
) {
  const result = await decided(rows, associations, releaseSettings.parse(settings), options);
  const reasonOf = (wanted: SegmentedRow): string | null =>
    result.rejected.find(({ candidateId }) => candidateId === wanted.row.candidateId)?.reason ?? null;
  return { ...result, reasonOf };
}

const A = "http://a.example/cat.jpg";
const B = "http://b.example/cat.jpg";

describe("doubles", () => {
  test("rows of one canonical URL are one sample with the texts, pages and queries of all", async () => {
    const fetched = row({ url: A, texts: "a sleeping cat", pageUrl: "http://p/1", query: "cat" });
    const other = row({
      url: `${A}?utm=x`,
      texts: "our tomcat",
      pageUrl: "http://p/2",
      query: "tom",
      reason: "duplicate_url",
    });
    const { samples, rejected, counts } = await decide([fetched, other]);
    expect(samples).toHaveLength(1);
    expect(samples[0]).toMatchObject({
      key: "000000000",
      texts: [
        { kind: "alt", text: "a sleeping cat" },
        { kind: "alt", text: "our tomcat" },
      ],
      urls: [A, `${A}?utm=x`],
      pages: ["http://p/1", "http://p/2"],
      queries: ["cat", "tom"],
      member: fetched.row.member,
    });
    expect(rejected).toHaveLength(1);
    expect(rejected[0]).toMatchObject({ reason: "duplicate_url", duplicateOf: "000000000", sha256: sha(A) });
    expect(counts).toEqual({ candidates: 2, kept: 1, rejected: { duplicate_url: 1 } });
  });

  test("it makes no difference which row of a URL was the one to be fetched", async () => {
    const [x, y] = ["a sleeping cat", "our tomcat"];
    const one = await decide([row({ url: A, texts: x }), row({ url: A, texts: y, reason: "duplicate_url" })]);
    const two = await decide([row({ url: A, texts: x, reason: "duplicate_url" }), row({ url: A, texts: y })]);
    const bare = (samples: typeof one.samples) => samples.map(({ member: _, ...rest }) => rest);
    expect(bare(two.samples)).toEqual(bare(one.samples));
    expect(two.rejected).toEqual(one.rejected);
  });

  test("a URL that failed has its reason on one row, the others double it", async () => {
    const rows = [
      row({ url: A, texts: "one text", reason: "http_404" }),
      row({ url: A, texts: "two text", reason: "duplicate_url" }),
      row({ url: A, texts: "three text", reason: "timeout" }),
    ];
    const { rejected } = await decide(rows);
    const reasons = rejected.map(({ reason }) => reason).sort();
    expect(reasons).toEqual(["duplicate_url", "duplicate_url", "http_404"]);
    const first = rejected.find(({ reason }) => reason === "http_404")!;
    for (const other of rejected.filter((r) => r !== first))
      expect(other.duplicateOf).toBe(first.candidateId);
  });

  test("a candidate in two segments is one row, the fetched one", async () => {
    const failed = row({ url: A, reason: "timeout", segment: "s1" });
    const fetched = row({ url: A, segment: "s2" });
    const { samples, rejected, counts } = await decide([failed, fetched]);
    expect(samples[0]).toMatchObject({ segment: "s2" });
    expect(rejected).toEqual([]);
    expect(counts.candidates).toBe(1);
  });

  test("equal bytes and near pictures merge into the larger picture", async () => {
    const large = row({ url: A, texts: "a large cat", side: 200, content: "cat" });
    const same = row({ url: B, texts: "the same bytes", side: 200, content: "cat" });
    const near = row({
      url: "http://c.example/s.jpg",
      texts: "a smaller copy",
      side: 50,
      pdq: pdqOf("cat", 31),
    });
    const far = row({
      url: "http://d.example/t.jpg",
      texts: "too far away",
      side: 50,
      pdq: pdqOf("cat", 32),
    });
    const { samples, rejected, reasonOf } = await decide([far, near, same, large]);
    expect(samples.map(({ imageUrl }) => imageUrl)).toEqual([A, far.row.imageUrl]);
    expect(samples[0]!.texts.map(({ text }) => text)).toEqual([
      "a large cat",
      "a smaller copy",
      "the same bytes",
    ]);
    expect(reasonOf(same)).toBe("duplicate_bytes");
    expect(reasonOf(near)).toBe("duplicate_near");
    expect(rejected.map(({ duplicateOf }) => duplicateOf)).toEqual(["000000000", "000000000"]);
  });

  test("nearness doesn't chain: what is near a rejected double only is kept", async () => {
    const first = row({ url: A, side: 300, pdq: pdqOf("x") });
    const second = row({ url: B, side: 200, pdq: pdqOf("x", 20) });
    const flipped = Buffer.from(pdqOf("x", 20), "hex");
    for (let i = 0; i < 20; i++) flipped[i]! ^= 2;
    const third = row({ url: "http://c.example/c.jpg", side: 100, pdq: flipped.toString("hex") });
    const { samples, reasonOf } = await decide([third, first, second]);
    expect(samples.map(({ imageUrl }) => imageUrl)).toEqual([A, third.row.imageUrl]);
    expect(reasonOf(second)).toBe("duplicate_near");
  });

  test("flat pictures are not compared, and each layer can be switched off", async () => {
    const flat = [A, B].map((url) => row({ url, pdq: pdqOf("flat"), quality: 49 }));
    expect((await decide(flat)).samples).toHaveLength(2);
    const near = [A, B].map((url) => row({ url, pdq: pdqOf("same") }));
    expect((await decide(near)).samples).toHaveLength(1);
    expect((await decide(near, { dedupe: { near: false } })).samples).toHaveLength(2);
    const bytes = [A, B].map((url) => row({ url, content: "same", pdq: null }));
    expect((await decide(bytes)).samples).toHaveLength(1);
    expect((await decide(bytes, { dedupe: { bytes: false } })).samples).toHaveLength(2);
  });

  test("the same picture with the same caption is a repeated pair where the layers before are off", async () => {
    const off = { dedupe: { bytes: false, near: false } };
    const first = row({ url: A, texts: "A cat", content: "cat", pageUrl: "http://p/1", query: "cat" });
    const again = row({ url: B, texts: "a cat", content: "cat", pageUrl: "http://p/2", query: "tom" });
    const other = row({ url: "http://c.example/c.jpg", texts: "our tomcat", content: "cat" });
    const { samples, rejected, reasonOf } = await decide([other, again, first], off);
    expect(samples.map(({ caption }) => caption)).toEqual(["A cat", "our tomcat"]);
    expect(samples[0]).toMatchObject({ pages: ["http://p/1", "http://p/2"], queries: ["cat", "tom"] });
    expect(reasonOf(again)).toBe("duplicate_pair");
    expect(rejected[0]!.duplicateOf).toBe(samples[0]!.key);
    expect((await decide([again, first], { dedupe: { ...off.dedupe, pairs: false } })).samples).toHaveLength(
      2,
    );
    expect((await decide([again, first])).reasonOf(again)).toBe("duplicate_bytes");
  });

  test("a repeated pair is known by an equal PDQ hash too, if the picture isn't flat", async () => {
    const pair = (quality: number) =>
      [A, B].map((url, i) => row({ url, texts: "a cat", content: `bytes ${i}`, pdq: pdqOf("cat"), quality }));
    expect((await decide(pair(50), { dedupe: { near: false } })).counts.rejected).toEqual({
      duplicate_pair: 1,
    });
    expect((await decide(pair(49), { dedupe: { near: false } })).counts.rejected).toEqual({});
  });

  test("with the URL layer off, a URL that was asked for twice is two pictures", async () => {
    const rows = [
      row({ url: A, texts: "one text", content: "cat" }),
      row({ url: A, texts: "two text", content: "dog" }),
      row({ url: A, texts: "three text", reason: "duplicate_url" }),
      row({ url: A, texts: "four text", reason: "timeout" }),
    ];
    expect((await decide(rows)).counts).toEqual({ candidates: 4, kept: 1, rejected: { duplicate_url: 3 } });
    const off = await decide(rows, { dedupe: { url: false } });
    expect(off.counts).toEqual({ candidates: 4, kept: 2, rejected: { duplicate_url: 1, timeout: 1 } });
    expect(off.samples.flatMap(({ texts }) => texts.map(({ text }) => text)).sort()).toEqual([
      "one text",
      "three text",
      "two text",
    ]);
  });

  test("a page that opts out keeps its own reason and gives neither text nor page nor query", async () => {
    const open = row({ url: A, texts: "a sleeping cat", pageUrl: "http://p/open" });
    const shut = row({
      url: A,
      texts: "a secret caption",
      pageUrl: "http://p/shut",
      query: "secret",
      reason: "optout_page_meta",
      optOuts: ["noai"],
    });
    const { samples, reasonOf } = await decide([open, shut]);
    expect(reasonOf(shut)).toBe("optout_page_meta");
    expect(JSON.stringify(samples)).not.toContain("secret");
    expect(samples[0]!.pages).toEqual(["http://p/open"]);
    expect((await decide([shut])).reasonOf(shut)).toBe("optout_page_meta");
  });
});

describe("what never enters", () => {
  test("one picture behind many URLs with many captions is dropped everywhere", async () => {
    const many = Array.from({ length: 20 }, (_, i) =>
      row({
        url: `http://h${i}.example/x.jpg`,
        texts: `a fine thing called ${"abcdefghij"[i % 10]}`,
        content: "gone",
      }),
    );
    const { samples, counts } = await decide([...many, row({ url: A })]);
    expect(samples.map(({ imageUrl }) => imageUrl)).toEqual([A]);
    expect(counts.rejected).toEqual({ placeholder: 20 });
    expect((await decide(many.slice(1))).samples).toHaveLength(1);
    expect((await decide(many, { dedupe: { placeholderCaptions: 11 } })).samples).toHaveLength(1);
    expect((await decide(many, { dedupe: { placeholders: false } })).counts.rejected).toEqual({
      duplicate_bytes: 19,
    });
  });

  test("blocklists bar by bytes, nearness, host and URL; evaluation pictures are contamination", async () => {
    const one = row({ url: A, content: "cat", pageUrl: "http://www.page.example/x" });
    const reason = async (options: ReleaseOptions) =>
      (await decide([one], {}, options)).rejected[0]?.reason ?? null;
    expect(await reason({})).toBeNull();
    expect(await reason({ blocklist: { sha256: [sha("cat").toUpperCase()] } })).toBe("blocklisted");
    expect(await reason({ blocklist: { pdq: [pdqOf("cat", 31)] } })).toBe("blocklisted");
    expect(await reason({ blocklist: { pdq: [pdqOf("cat", 32)] } })).toBeNull();
    expect(await reason({ blocklist: { domains: ["a.example"] } })).toBe("blocklisted");
    expect(await reason({ blocklist: { domains: ["page.example"] } })).toBe("blocklisted");
    expect(await reason({ blocklist: { domains: ["age.example"] } })).toBeNull();
    expect(await reason({ blocklist: { urls: [`${A}#top`] } })).toBe("blocklisted");
    expect(await reason({ contamination: { pdq: [pdqOf("cat", 5)] } })).toBe("contaminated");
  });

  test("blocklists and evaluation sets have radii of their own", async () => {
    const one = row({ url: A, content: "cat" });
    const lists = { blocklist: { pdq: [pdqOf("cat", 12)] }, contamination: { pdq: [pdqOf("cat", 9)] } };
    const reason = async (dedupe: object) =>
      (await decide([one], { dedupe }, lists)).rejected[0]?.reason ?? null;
    expect(await reason({ radius: 0 })).toBe("blocklisted");
    expect(await reason({ blocklistRadius: 11 })).toBe("contaminated");
    expect(await reason({ blocklistRadius: 11, decontaminateRadius: 8 })).toBeNull();
    expect(await reason({ blocklistRadius: 11, decontaminateRadius: 9 })).toBe("contaminated");
  });

  test("a picture also found on a blocked page is kept without that page's words", async () => {
    const open = row({ url: A, texts: "a sleeping cat", pageUrl: "http://good.example/" });
    const shut = row({
      url: A,
      texts: "a bad caption",
      pageUrl: "http://bad.example/",
      reason: "duplicate_url",
    });
    const { samples, reasonOf } = await decide([open, shut], {}, { blocklist: { domains: ["bad.example"] } });
    expect(reasonOf(shut)).toBe("blocklisted");
    expect(samples[0]!.texts).toHaveLength(1);
  });
});

describe("captions", () => {
  const captionOf = async (...texts: [string, string][]): Promise<string | null> => {
    const rows = texts.map(([kind, text], i) =>
      row({ url: A, texts: [{ kind: kind as "alt", text }], pageUrl: `http://p/${i}` }),
    );
    return (await decide(rows)).samples[0]?.caption ?? null;
  };

  test("the most trusted kind wins, then what most rows say, then the longest, then byte order", async () => {
    expect(await captionOf(["page_title", "a very long page title"], ["alt", "a cat on a mat"])).toBe(
      "a cat on a mat",
    );
    expect(
      await captionOf(["alt", "a longer text than that"], ["alt", "short one"], ["alt", "short one"]),
    ).toBe("short one");
    expect(await captionOf(["alt", "a cat"], ["alt", "a cat on a mat"])).toBe("a cat on a mat");
    expect(await captionOf(["alt", "bbbbb ccccc"], ["alt", "aaaaa ccccc"])).toBe("aaaaa ccccc");
    expect(await captionOf(["alt", "IMG_1234.jpg"], ["page_title", "Cats of Rome"])).toBe("Cats of Rome");
    expect(await captionOf(["alt", "  a \n\t cat  on a mat "])).toBe("a cat on a mat");
  });

  test.each([
    "IMG_1234.jpg",
    "Index of /en/images/",
    "IMG 1234",
    "DSC00012",
    "photo",
    "Photo 12",
    "image",
    "12345678",
    "http://x.example/y",
    "www.x.example",
    "my-picture.PNG",
    "logo",
    "...!?...",
    "cat",
    "click to enlarge",
    "Screenshot 2024-01-01 at 10.00.00",
    "d41d8cd98f00b204",
    "product_0123_b_77",
    "1/2 - 3/4",
    "Read more »",
    "PXL_20230101_120000",
  ])("%s alone is no caption", async (text) => {
    expect((await decide([row({ url: A, texts: text })])).counts.rejected).toEqual({ caption_unusable: 1 });
  });

  test.each([
    "a cat",
    "Photo of a cat",
    "Boeing 747-400",
    "X-ray",
    "Tokyo 2020",
    "красный круг",
    "赤い丸と青い四角",
    "IMG Worlds of Adventure",
  ])("%s is a caption", async (text) => {
    expect((await decide([row({ url: A, texts: text })])).samples[0]?.caption).toBe(text);
  });

  test("a caption seen too often is capped, whatever its case", async () => {
    const rows = Array.from({ length: 5 }, (_, i) =>
      row({ url: `${A}${i}`, texts: i % 2 ? "The same words" : "the same words" }),
    );
    const { samples, counts } = await decide(rows, { maxCaptionRepeats: 2 });
    expect(samples).toHaveLength(2);
    expect(counts.rejected).toEqual({ caption_repeated: 3 });
  });
});

describe("hold-out and balance", () => {
  const holdOut = [{ name: "green stars", pattern: "green star" }];

  test("a sample is held out if any text of any double matches, and the other side holds exactly those", async () => {
    const star = row({ url: A, texts: "a shape", content: "star" });
    const same = row({ url: B, texts: "a Green Star", content: "star" });
    const other = row({ url: "http://c.example/c.jpg", texts: "a red circle" });
    const train = await decide([star, same, other], { holdOut });
    expect(train.samples.map(({ caption }) => caption)).toEqual(["a red circle"]);
    expect(train.rejected.find(({ reason }) => reason === "held_out")).toMatchObject({
      errorMessage: "green stars",
    });
    const held = await decide([star, same, other], { holdOut }, { side: "held_out" });
    expect(held.samples.map(({ urls }) => urls)).toEqual([[A, B]]);
    expect(held.reasonOf(other)).toBe("not_held_out");
    await expect(decide([], { holdOut: [{ name: "bad", pattern: "(" }] })).rejects.toThrow(UserError);
  });

  test("a double of a row that is itself rejected names its candidate", async () => {
    const [star, same] = [A, B].map((url) => row({ url, texts: "a green star", content: "star" }));
    const { rejected } = await decide([star!, same!], { holdOut });
    const held = rejected.find(({ reason }) => reason === "held_out")!;
    expect(rejected.find(({ reason }) => reason === "duplicate_bytes")!.duplicateOf).toBe(held.candidateId);
  });

  test("a query is capped by seeded hash; samples of a rarer query stay", async () => {
    const many = Array.from({ length: 30 }, (_, i) =>
      row({ url: `http://x.example/${i}.jpg`, query: "cat" }),
    );
    const rare = row({ url: "http://y.example/r.jpg", query: "lynx", pageUrl: "http://p/lynx" });
    const none = row({ url: "http://z.example/n.jpg" });
    const associations = [{ query: "cat", pages: ["http://p/lynx#x"], images: [] }];
    const kept = async (seed: number) =>
      (await decide([...many, rare, none], { maxPairsPerQuery: 10, seed }, {}, associations)).samples.map(
        ({ imageUrl }) => imageUrl,
      );
    for (const seed of [0, 1]) {
      expect(await kept(seed)).toContain(rare.row.imageUrl);
      expect(await kept(seed)).toContain(none.row.imageUrl);
      const cats = (await kept(seed)).filter((url) => url.startsWith("http://x"));
      expect([9, 10]).toContain(cats.length);
    }
    expect(await kept(0)).not.toEqual(await kept(1));
    expect(await kept(0)).toEqual(await kept(0));
  });

  test("queries come from provenance, from pages and images, and from texts", async () => {
    const textQueries = () => ({ match: (text: string) => (text.includes("mat") ? ["mat"] : []) });
    const associations = [
      { query: "page", pages: ["http://p/1"], images: [] },
      { query: "image", pages: [], images: [A] },
    ];
    const one = row({ url: A, texts: "a cat on a mat", pageUrl: "http://p/1", query: "cat" });
    expect((await decide([one], {}, { textQueries }, associations)).samples[0]!.queries).toEqual([
      "cat",
      "image",
      "mat",
      "page",
    ]);
  });

  test("keys follow release order and the size of shards", async () => {
    const rows = [1, 2, 3].map((i) => row({ url: `${A}${i}`, side: i }));
    const { samples } = await decide(rows, { samplesPerShard: 2 });
    expect(samples.map(({ key, originalWidth }) => [key, originalWidth])).toEqual([
      ["000000000", 3],
      ["000000001", 2],
      ["000010000", 1],
    ]);
    expect((await decide(rows, { samplesPerShard: 20_000 })).samples[2]!.key).toBe("0000000002");
  });
});

test("what is said of a picture on every page of a large site is cut to what a reader takes, the same in any order", async () => {
  const path = "a/long/path/to/the/page".repeat(4);
  const logo = (i: number) =>
    row({
      url: A,
      texts: i === 7 ? "x".repeat(1 << 20) : `The logo of shop ${i % 20_000}`,
      pageUrl: `http://shop.example/${path}/${i}`,
      query: `shop ${i}`,
      reason: i === 0 ? null : "duplicate_url",
    });
  const rows = Array.from({ length: 20_000 }, (_, i) => logo(i));
  const { samples, rejected, counts } = await decide(rows);
  expect([samples.length, rejected.length, counts.candidates]).toEqual([1, 19_999, 20_000]);
  const { texts, pages, queries, caption } = samples[0]!;
  expect(caption).toMatch(/^The logo of shop/);
  expect(pages.length).toBeGreaterThan(1000);
  expect(pages.length).toBeLessThan(20_000);
  expect(texts.length).toBeGreaterThan(5000);
  for (const list of [texts, pages, queries])
    expect(Buffer.byteLength(JSON.stringify(list))).toBeLessThanOrEqual(1 << 19);
  expect(queries.length).toBe(20_000); // there is room for all
  expect((await decide(rows.reverse())).samples).toEqual(samples);
});

test("of a million rows for one picture the first hundred thousand speak, and all are counted", async () => {
  const rows = Array.from({ length: speakersAtMost + 20 }, (_, i) =>
    row({
      url: A,
      pageUrl: `http://a.example/${i}`,
      query: `q${i}`,
      reason: i === 0 ? null : "duplicate_url",
    }),
  );
  const { samples, rejected, counts } = await decide(rows);
  expect(counts.candidates).toBe(rows.length);
  expect(counts.rejected).toEqual({ duplicate_url: rows.length - 1 });
  expect(new Set(rejected.map(({ duplicateOf }) => duplicateOf))).toEqual(new Set([samples[0]!.key]));
  const speaking = rows
    .map((one) => one.row)
    .sort((a, b) => byteOrder(a.candidateId, b.candidateId))
    .slice(0, speakersAtMost);
  const spoken = new Set(speaking.map(({ query }) => query));
  const { queries } = samples[0]!;
  expect(queries.length).toBeGreaterThan(50_000); // there is no room for all; half of those that don't speak would be here
  expect(queries.filter((query) => !spoken.has(query))).toEqual([]);
}, 60_000);

test("a decision tells how far it is, step by step, and each step to its end", async () => {
  const rows = Array.from({ length: 2500 }, (_, i) =>
    row({ url: `http://a.example/${i}.jpg`, texts: `thing ${i}` }),
  );
  const told: ReleaseProgress[] = [];
  const onProgress = (progress: ReleaseProgress) => void told.push(progress);
  const { counts } = await decide(rows, {}, { onProgress });
  expect(counts.candidates).toBe(2500);
  const steps = [...new Set(told.map(({ step }) => step))];
  expect(steps).toEqual(["rows", "pictures", "captions"]);
  expect(told.filter(({ step }) => step === "rows").map(({ done }) => done)).toEqual([1024, 2048]);
  expect(told.filter(({ step }) => step === "pictures").at(-1)).toEqual({
    step: "pictures",
    done: 2500,
    of: 2500,
  });
});
