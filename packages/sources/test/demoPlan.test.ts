import { describe, expect, it } from "vitest";
import { demoQueries } from "../src/demoWeb/demoQueries.js";
import { demoPicture } from "../src/demoWeb/pictures/demoPicture.js";
import { combinationPattern, heldOutCombinations } from "../src/demoWeb/pictures/heldOut.js";
import { allCombinations, combinationName, demoShapes } from "../src/demoWeb/pictures/vocabulary.js";
import { demoHosts } from "../src/demoWeb/plan/demoHosts.js";
import type { DemoPlan } from "../src/demoWeb/plan/demoPlan.js";
import { doubleFates, goodFlavours, imageFates, type ImageFateName } from "../src/demoWeb/plan/imageFates.js";
import { planDemoWeb } from "../src/demoWeb/plan/planDemoWeb.js";
import { hostOrigin, imageUrl } from "../src/demoWeb/plan/imageUrl.js";
import { demoSearch } from "../src/demoWeb/serve/demoSearch.js";
import { figureHtml } from "../src/demoWeb/serve/figureHtml.js";
import { pageHtml } from "../src/demoWeb/serve/pageHtml.js";
import { sitemapXml } from "../src/demoWeb/serve/sitemapXml.js";

const port = 4321;
const plan = planDemoWeb(1);
const keptFates = new Set<ImageFateName>(["good", ...goodFlavours]);
const anyCombination = new RegExp(allCombinations.map(combinationPattern).join("|"), "gi");
const singular = new Map<string, string>(Object.entries(demoShapes).map(([one, many]) => [many, one]));

/** Names of all combinations that a text names, each once. */
function namedIn(text: string): string[] {
  const found = (text.match(anyCombination) ?? []).map((match) => {
    const [colour = "", shape = ""] = match.toLowerCase().split(/\s+/);
    return `${colour} ${singular.get(shape) ?? shape}`;
  });
  return [...new Set(found)];
}

function goodCounts(of: DemoPlan): Map<string, number> {
  const counts = new Map<string, number>();
  for (const image of of.images)
    if (keptFates.has(image.fate)) {
      const name = combinationName(image.combination);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  return counts;
}

describe("the plan of the demo web", () => {
  it("holds at least 6,500 image–page pairs and 5,200 good distinct pictures", () => {
    const pairs = new Set(
      plan.pages.flatMap((page) => page.placed.map(({ image }) => `${imageUrl(image, port)} ${page.id}`)),
    );
    expect(pairs.size + plan.searchOnly.length).toBeGreaterThanOrEqual(6500);
    const good = plan.images.filter(({ fate }) => keptFates.has(fate));
    expect(
      new Set(good.map(({ combination, index }) => `${combinationName(combination)} ${index}`)).size,
    ).toBe(good.length);
    expect(good.length).toBeGreaterThanOrEqual(5200);
  });

  it.each([1, 2, 3])(
    "seed %i: is balanced, with over 100 good pictures of each held-out combination",
    (seed) => {
      const counts = goodCounts(planDemoWeb(seed));
      const heldOut = new Set(heldOutCombinations(seed).map(combinationName));
      expect(counts.size).toBe(54);
      for (const [name, count] of counts) expect(count).toBe(heldOut.has(name) ? 112 : 98);
    },
  );

  it("is the same for the same seed and another for another", () => {
    expect(JSON.stringify(planDemoWeb(1))).toBe(JSON.stringify(plan));
    const urls = new Set(plan.images.map((image) => imageUrl(image, port)));
    expect(planDemoWeb(2).images.some((image) => urls.has(imageUrl(image, port)))).toBe(false);
  });

  it("has every fate as often as its table says, and each URL once", () => {
    const counts = new Map<ImageFateName, number>();
    for (const { fate } of plan.images) counts.set(fate, (counts.get(fate) ?? 0) + 1);
    for (const [fate, { count }] of Object.entries(imageFates))
      if (fate !== "good") expect(counts.get(fate as ImageFateName), fate).toBe(count);
    expect(new Set(plan.images.map((image) => imageUrl(image, port))).size).toBe(plan.images.length);
  });

  it("keeps every fate at a small scale", () => {
    const fates = new Set(planDemoWeb(1, 0.02).images.map(({ fate }) => fate));
    expect([...Object.keys(imageFates)].filter((fate) => !fates.has(fate as ImageFateName))).toEqual([]);
  });

  it("has few URLs that cost a timeout, and few failures to connect on any host", () => {
    const costly = plan.images.filter(({ fate }) =>
      imageFates[fate].expected.some((reason) => reason === "timeout"),
    );
    const pages = plan.pages.filter(({ fate }) => fate === "page_never");
    expect(costly.length + pages.length).toBeLessThanOrEqual(20);
    const unreachable = plan.images.filter(({ fate }) =>
      ["reset", "short_body", "never", "drip"].includes(fate),
    );
    expect(unreachable.length).toBeLessThan(50);
  });

  it("shows 3 to 10 pictures on a page, but for a few last ones", () => {
    const sizes = plan.pages.map((page) => page.placed.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10);
    expect(sizes.filter((size) => size < 3).length).toBeLessThan(15);
  });

  it("shows every image on a page or in the search", () => {
    const shown = new Set([
      ...plan.pages.flatMap((page) => page.placed.map(({ image }) => image)),
      ...plan.searchOnly,
    ]);
    expect(plan.images.filter((image) => !shown.has(image))).toEqual([]);
  });

  it("closes paths only on hosts whose robots.txt says so", () => {
    const ruled = new Set(demoHosts.filter(({ robots }) => robots === "rules").map(({ number }) => number));
    for (const { fate, host } of [...plan.images, ...plan.pages])
      if (["robots_path", "robots_pattern", "robots_agent", "page_robots"].includes(fate))
        expect(ruled).toContain(host);
  });

  it("has originals for all doubles", () => {
    const originals = new Set(
      plan.images
        .filter(({ fate }) => fate === "good")
        .map(({ combination, index }) => combinationName(combination) + index),
    );
    for (const { fate, combination, index } of plan.images)
      if ((doubleFates as readonly string[]).includes(fate))
        expect(originals.has(combinationName(combination) + index)).toBe(true);
  });

  it("names no held-out combination where the text would not be the picture's own", () => {
    const heldOut = new Set(heldOutCombinations(1).map(combinationName));
    for (const { fate, combination } of plan.images)
      if (fate === "placeholder" || fate === "uninformative")
        expect(heldOut.has(combinationName(combination))).toBe(false);
  });
});

describe("the demo's pages", () => {
  it("describe each picture by its own combination only", () => {
    for (const page of plan.pages)
      for (const placed of page.placed) {
        const html = figureHtml(plan.seed, placed, port, (url) => url);
        const own = placed.way === "file_name" ? [] : [combinationName(placed.image.combination)];
        if (namedIn(html).join() !== own.join()) throw new Error(`${html} names ${namedIn(html).join()}`);
      }
  });

  it("name a combination outside the pictures' own elements only where all pictures are of it", () => {
    for (const page of plan.pages) {
      const html = pageHtml(plan, page, [], port);
      const outside = html
        .slice(0, html.indexOf("<main>"))
        .replace(/<meta property="og:image:alt"[^>]*>/, "");
      const shown = new Set(page.placed.map(({ image }) => combinationName(image.combination)));
      for (const name of namedIn(outside)) expect([...shown]).toEqual([name]);
      expect(namedIn(html).every((name) => shown.has(name))).toBe(true);
    }
  });

  it("speak in sitemaps of each picture by its own combination only", () => {
    const byUrl = new Map(plan.images.map((image) => [imageUrl(image, port), image]));
    const xml = sitemapXml(plan, plan.pages, port, true);
    let images = 0;
    for (const [, loc, caption] of xml.matchAll(
      /<image:loc>(.*?)<\/image:loc><image:caption>(.*?)<\/image:caption>/g,
    )) {
      const image = byUrl.get(loc as string);
      if (image === undefined) throw new Error(`${loc ?? ""} is unknown`);
      expect(namedIn(caption as string)).toEqual([combinationName(image.combination)]);
      images++;
    }
    expect(images).toBeGreaterThan(500);
  });
});

describe("the demo's search", () => {
  const search = demoSearch(plan);

  it("reaches every image by the 54 names alone", () => {
    const pages = new Map(plan.pages.map((page) => [hostOrigin(page.host, port) + page.path, page]));
    const reached = new Set<string>();
    for (const query of demoQueries(1).slice(0, 54))
      for (const result of search.find(query, port))
        if (result.type === "image") reached.add(result.url);
        else for (const { image } of pages.get(result.url)?.placed ?? []) reached.add(imageUrl(image, port));
    const missed = plan.images.filter((image) => !reached.has(imageUrl(image, port)));
    expect(missed).toEqual([]);
  });

  it("narrows down by size, ground and number", () => {
    const all = search.find("red star", port).length;
    expect(search.find("red stars", port).length).toBe(all);
    const small = search.find("a small red star", port).length;
    expect(small).toBeLessThan(all);
    expect(search.find("two small red stars on sand", port).length).toBeLessThan(small);
    expect(search.find("zebra", port)).toEqual([]);
  });

  it("gives image results texts of their own combination", () => {
    for (const result of search.find("blue star", port))
      if (result.type === "image")
        expect(namedIn(`${result.title} ; ${result.caption}`)).toEqual(["blue star"]);
  });

  it("finds the picture that a query describes", () => {
    const shown = plan.pages.flatMap((page) => page.placed.map(({ image }) => ({ page, image })));
    const sample = shown.find(({ image }) => image.fate === "good");
    if (sample === undefined) throw new Error("no good picture");
    const { scene, name } = demoPicture(1, sample.image.combination, sample.image.index);
    const urls = search
      .find(`${scene.size ?? ""} ${name} on ${scene.background}`, port)
      .map(({ url }) => url);
    expect(urls).toContain(hostOrigin(sample.page.host, port) + sample.page.path);
  });
});
