import { imageSettings, webSettings, type Candidate } from "@pairloom/config";
import { hammingDistance } from "@pairloom/dedupe";
import { extractCandidates } from "@pairloom/extract";
import { processImage, setupSharp, type ProcessedImage } from "@pairloom/image";
import {
  combinationPattern,
  allCombinations,
  combinationName,
  forkDemoWeb,
  type DemoRoute,
  type ForkedDemoWeb,
} from "@pairloom/sources";
import { openWeb, type Web } from "@pairloom/web";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

/**
 * The demo web meets the real crawler, extractor and decoder: every page and image must come out as its fate says.
 * The fates were written down in packages/sources, which knows none of these packages.
 */
const scale = Number(process.env["PAIRLOOM_DEMO_SCALE"] ?? 0.08);
const doubles = new Set(["duplicate_bytes", "duplicate_near", "placeholder", "caption_unusable"]);

let demo: ForkedDemoWeb;
let web: Web;
const found = new Map<string, Candidate[]>();
const pages = new Map<string, string>();
const fetched = new Map<string, ProcessedImage | { status: "no"; reason: string }>();

beforeAll(async () => {
  setupSharp();
  demo = await forkDemoWeb({ seed: 1, scale });
  web = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.0/8"],
      allowedPorts: [80, demo.port],
      hostGapMs: 0,
      addressGapMs: 0,
      crawlDelayCapMs: 100,
      timeoutMs: 4000,
      retries: 1,
      backoffMs: 10,
    }),
  });
  await inParallel(demo.pageRoutes, 16, async ({ url }) => {
    const answer = await web.getPage(url);
    pages.set(url, answer.status === "ok" ? "read" : answer.reason);
    if (answer.status !== "ok") return;
    const { candidates } = extractCandidates({
      html: answer.body.whole(),
      url: answer.finalUrl,
      contentType: answer.contentType,
      headers: answer.headers,
      optOuts: answer.optOuts,
      source: "demo",
      agentTokens: ["pairloom"],
      obeyOptOuts: true,
    });
    for (const candidate of candidates)
      found.set(candidate.imageUrl, [...(found.get(candidate.imageUrl) ?? []), candidate]);
  });
  await inParallel(demo.routes, 16, async ({ url }) => {
    fetched.set(url, await fetchImage(url));
  });
}, 600_000);

afterAll(async () => {
  await web.close();
  await demo.close();
});

async function fetchImage(url: string): Promise<ProcessedImage | { status: "no"; reason: string }> {
  const optOut = found.get(url)?.find(({ optOuts }) => optOuts.length > 0)?.optOuts[0];
  if (optOut !== undefined) return { status: "no", reason: optOut };
  const answer = await web.getImage(url);
  if (answer.status !== "ok") return { status: "no", reason: answer.reason };
  const image = await processImage(
    answer.body.whole(),
    imageSettings.parse({ imageSize: 64, resizeMode: "border" }),
  );
  return image.status === "ok" ? image : { status: "no", reason: image.reason };
}

async function inParallel<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

describe("on the demo web", () => {
  it("every page comes out as its fate says", () => {
    const wrong = demo.pageRoutes.filter(
      ({ url, expected }) => !(expected as readonly string[]).includes(pages.get(url) ?? ""),
    );
    expect(wrong.map((route) => ({ ...route, came: pages.get(route.url) }))).toEqual([]);
  });

  it("every image that a page shows is found, and no text of it names another combination", () => {
    const any = new RegExp(allCombinations.map(combinationPattern).join("|"), "gi");
    const readable = new Set([...pages].filter(([, came]) => came === "read").map(([url]) => url));
    const missed = demo.routes.filter(
      ({ url, pages: shownOn }) => shownOn.some((page) => readable.has(page)) && !found.has(url),
    );
    expect(missed).toEqual([]);
    const own = new Map(
      allCombinations.map((combination) => [
        combinationName(combination),
        new RegExp(`^(${combinationPattern(combination)})$`, "i"),
      ]),
    );
    const strange: unknown[] = [];
    const unnamed: unknown[] = [];
    for (const route of demo.routes) {
      const texts = (found.get(route.url) ?? []).flatMap((candidate) => candidate.texts);
      const names = texts.flatMap(({ text }) => text.match(any) ?? []);
      if (names.some((name) => !own.get(route.combination)?.test(name))) strange.push({ ...route, texts });
      if (texts.length > 0 && names.length === 0 && route.fate !== "uninformative")
        unnamed.push({ ...route, texts });
    }
    expect(strange).toEqual([]);
    expect(unnamed).toEqual([]);
  });

  it("every image comes out as its fate says, doubles and captions aside", () => {
    const wrong = demo.routes.flatMap((route) => {
      const outcome = fetched.get(route.url);
      const came = outcome?.status === "ok" ? "kept" : (outcome?.reason ?? "");
      const right = route.expected.map((reason) => (doubles.has(reason) ? "kept" : reason) as string);
      return right.includes(came)
        ? []
        : [{ fate: route.fate, url: route.url, expected: route.expected, came }];
    });
    expect(wrong).toEqual([]);
  });

  it("near doubles lie within the radius of their originals, and other pictures far beyond it", () => {
    const hashed = demo.routes.flatMap((route) => {
      const outcome = fetched.get(route.url);
      return outcome?.status === "ok" && outcome.pdq !== null
        ? [{ route, pdq: outcome.pdq, quality: outcome.pdqQuality ?? 0 }]
        : [];
    });
    const key = ({ combination, index, fate }: DemoRoute) =>
      fate === "placeholder" ? fate : `${combination} ${index}`;
    const clear = hashed.filter(({ quality }) => quality > 49);
    expect(clear.length / hashed.length).toBeGreaterThan(0.97);
    const apart: unknown[] = [];
    const merged = new Set<string>();
    let nearest = 256;
    let doubles = 0;
    clear.forEach((one, at) => {
      for (const other of clear.slice(0, at)) {
        const distance = hammingDistance(one.pdq, other.pdq);
        if (key(one.route) === key(other.route)) {
          doubles++;
          if (distance > 31) apart.push({ distance, one: one.route, other: other.route });
        } else {
          nearest = Math.min(nearest, distance);
          if (distance <= 31) merged.add(one.route.url);
        }
      }
    });
    console.log(
      `${clear.length} hashes; nearest different pictures ${nearest} bits apart; ${apart.length} doubles beyond 31`,
    );
    // A picture of 96 pixels, resized and encoded again, may hash a few bits further away.
    expect(apart.length / doubles).toBeLessThan(0.1);
    expect(merged.size / clear.length).toBeLessThan(0.03);
  });
});
