import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { extractCandidates } from "../src/index.js";
import { mediaMatches } from "../src/mediaMatches.js";
import { parseSrcset } from "../src/srcset.js";

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.html`, import.meta.url));

/** "url" or "url 2x" or "url 100w" of each candidate. */
const parsed = (text: string) =>
  parseSrcset(text).map(({ url, width, density }) =>
    width !== null ? `${url} ${width}w` : density === 1 ? url : `${url} ${density}x`,
  );

describe("a srcset is read by WHATWG's rules", () => {
  it.each([
    ["", []],
    [" , ,, ", []],
    ["a", ["a"]],
    [",a,b", ["a,b"]],
    ["a,b ,c", ["a,b", "c"]],
    ["a, b,,, c", ["a", "b", "c"]],
    ["a 1x,b 2x", ["a", "b 2x"]],
    [" , h.jpg 2x , , i.jpg 3x ,", ["h.jpg 2x", "i.jpg 3x"]],
    [
      "/c_scale,w_320/b.png 320w,/c_scale,w_640/b.png 640w",
      ["/c_scale,w_320/b.png 320w", "/c_scale,w_640/b.png 640w"],
    ],
    ["a\t320w\n,\fb\r640w", ["a 320w", "b 640w"]],
    ["a\u00a0 320w", ["a\u00a0 320w"]],
    ["data:image/png;base64,AA== 1x, b 2x", ["data:image/png;base64,AA==", "b 2x"]],
    // descriptors that are wrong cost their candidate
    ["test (1).jpg 320w, test (2).jpg 480w", []],
    ["a (b, c 2x), d 3x", ["d 3x"]],
    ["a (b, c", []],
    ["a 1w(2), b", ["b"]],
    ["a -5w, b 0w, c 1.5w, d +1w, e w, f 10W, g 3w", ["g 3w"]],
    ["a -1x, b x, c 1.x, d .5x, e 1e2x, f +1x, g 0x, h 2X, i Infinityx", ["d 0.5x", "e 100x", "g 0x"]],
    ["a 100w 2x, b 2x 100w, c 1w 2w, d 1x 2x, e 3w", ["e 3w"]],
    ["a 100h, b 100h 200w, c 200w 100h, d 0h 1w, e 1h 1h 1w, f 2x 1h, g 1h 2x", ["b 200w", "c 200w"]],
    ["a 1x 1, b 1q", []],
  ])("%j", (text, expected) => {
    expect(parsed(text)).toEqual(expected);
  });
  it("takes linear time", () => {
    for (const piece of [",", "a,", "a ", "a (", "a 1w 1w,"]) {
      const startedMs = performance.now();
      parseSrcset(piece.repeat(1_000_000 / piece.length) + "x");
      expect(performance.now() - startedMs).toBeLessThan(2000);
    }
  });
});

describe("media queries of a desktop's screen", () => {
  it.each([
    ["", true],
    ["all", true],
    ["screen and (min-width: 600px)", true],
    ["(min-width: 40em)", true],
    ["(max-width: 600px)", false],
    ["(max-width:600px), (min-width:1200px)", true],
    ["print", false],
    ["not print", true],
    ["not all and (max-width: 600px)", true],
    ["only screen and (orientation: landscape)", true],
    ["(orientation: portrait)", false],
    ["(prefers-color-scheme: dark)", false],
    ["(min-resolution: 1.5dppx) or (-webkit-min-device-pixel-ratio: 1.5)", true],
    ["(width >= 600px)", true],
    ["(400px < width <= 700px)", false],
    ["(min-aspect-ratio: 16/10)", true],
    ["(max-aspect-ratio: 1/1)", false],
    ["(what: ever)", false],
    ["not (what: ever)", false],
    ["((", false],
  ])("%j: %j", (media, expected) => {
    expect(mediaMatches(media)).toBe(expected);
  });
});

function shown(html: string | Uint8Array): Record<string, string> {
  const { candidates } = extractCandidates({ html, url: "http://site.test/dir/page.html", source: "site" });
  return Object.fromEntries(
    candidates.map(({ imageUrl, texts }) => [texts[0]?.text ?? "", imageUrl] as const),
  );
}

describe("pictures of several sizes", () => {
  it("a page of them gives what browsers would show, the largest of each", () => {
    const base = "http://site.test/media/";
    expect(shown(fixture("srcsets"))).toEqual({
      one: `${base}a.jpg?rect=0,3,1936,1087&w=2000`,
      two: "https://cdn.example/image/upload/c_scale,q_auto,w_640/v1/b.png",
      three: `${base}large.jpg`,
      four: `${base}d.jpg`,
      five: `${base}e.jpg`,
      six: `${base}f.jpg`,
      seven: `${base}g.avif`,
      eight: `${base}i.jpg`,
      nine: `${base}j.jpg`,
      ten: `${base}n.jpg`,
      eleven: `${base}o%20p.jpg?x=1&copy=2`,
      twelve: `${base}wide.jpg`,
      sixteen: "http://cdn.example/q.jpg",
      seventeen: `${base}full.JPG`,
      eighteen: `${base}thumb2.jpg`,
      nineteen: `${base}chart.png?download=1`,
    });
  });
  const picture = (sources: string) => shown(`<picture>${sources}<img alt=x src="/i.jpg"></picture>`)["x"];
  it.each([
    [
      "the source for wide screens",
      `<source media="(max-width: 600px)" srcset="/s.jpg 3x"><source media="(min-width: 601px)" srcset="/l.jpg">`,
      "/l.jpg",
    ],
    [
      "the img where no source is for wide screens",
      `<source media="(max-width: 600px)" srcset="/s.jpg 3x">`,
      "/i.jpg",
    ],
    [
      "none for print or dark schemes",
      `<source media=print srcset="/p.jpg 9x"><source media="(prefers-color-scheme: dark)" srcset="/d.jpg 9x">`,
      "/i.jpg",
    ],
    [
      "the first crop that fits, in its largest type",
      `<source media="(min-width: 9px)" type=image/webp srcset="/l.webp 800w"><source media="(min-width: 9px)" srcset="/l.jpg 900w"><source srcset="/other.jpg 2000w">`,
      "/l.jpg",
    ],
    [
      "no type that can't be read",
      `<source type=image/jxl srcset="/l.jxl 9x"><source type="IMAGE/AVIF" srcset="/l.avif">`,
      "/l.avif",
    ],
    [
      "no source without a sound candidate",
      `<source srcset="/l (1).jpg 2x"><source srcset="/m.jpg 1x">`,
      "/m.jpg",
    ],
  ])("%s", (_name, sources, expected) => {
    expect(picture(sources)).toBe(`http://site.test${expected}`);
  });
});

describe("the base of addresses", () => {
  const base = (html: string) => shown(`${html}<img alt=x src="a.jpg">`)["x"];
  it.each([
    [`<base target=_blank><base href="/one/"><base href="/two/">`, "http://site.test/one/a.jpg"],
    [`<base href="sub/">`, "http://site.test/dir/sub/a.jpg"],
    [`<base href="//cdn.example/x/y">`, "http://cdn.example/x/a.jpg"],
    [`<base href=" https://cdn.example/z/ ">`, "https://cdn.example/z/a.jpg"],
    [`<base href="">`, "http://site.test/dir/a.jpg"],
    [`<base href="?q">`, "http://site.test/dir/a.jpg"],
    [`<base href="data:text/plain,x"><base href="/two/">`, "http://site.test/dir/a.jpg"],
    [`<base href="javascript:1">`, "http://site.test/dir/a.jpg"],
    [`<base href="http://[">`, "http://site.test/dir/a.jpg"],
    [`<base href="ftp://files.example/">`, undefined],
    [
      `<noscript><base href="/no/"></noscript><svg><base href="/svg/"/></svg><base href="/yes/">`,
      "http://site.test/yes/a.jpg",
    ],
  ])("%s", (html, expected) => {
    expect(base(html)).toBe(expected);
  });
  it("rules wherever it stands", () => {
    expect(shown(`<img alt=x src="a.jpg"><p><base href="/late/">`)["x"]).toBe("http://site.test/late/a.jpg");
    expect(shown(fixture("absoluteBase"))).toEqual({
      one: "http://cdn.example/x/a.jpg",
      two: "http://cdn.example/b.jpg",
    });
  });
});
