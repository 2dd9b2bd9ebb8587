import { describe, expect, it } from "vitest";
import { candidateSchema } from "@pairloom/config";
import { extractCandidates, type ExtractInput } from "../src/index.js";

const url = "http://site.test/dir/page.html";
const run = (html: string | Uint8Array, more: Partial<ExtractInput> = {}) =>
  extractCandidates({ html, url, source: "site", ...more });

/** Image path → texts as "kind: text". */
function texts(html: string, more: Partial<ExtractInput> = {}): Record<string, string[]> {
  const { candidates } = run(html, more);
  for (const candidate of candidates) candidateSchema.parse(candidate);
  return Object.fromEntries(
    candidates.map(({ imageUrl, texts }) => [
      imageUrl.replace("http://site.test", ""),
      texts.map(({ kind, text }) => `${kind}: ${text}`),
    ]),
  );
}

describe("texts on the image itself", () => {
  it("alt, title and aria-label are read, in the order of trust, white space and entities collapsed", () => {
    expect(
      texts(`<img src=a.png aria-label="An aria" title="A   title" alt="Caf&eacute;\n &amp; bar">`),
    ).toEqual({
      "/dir/a.png": ["alt: Café & bar", "title: A title", "aria: An aria"],
    });
  });
  it("aria-labelledby and aria-describedby are followed to their elements", () => {
    const html = `<img src=a.png aria-labelledby="x y" aria-describedby=z><p id=x>Red</p><hr><b id=y>ball</b><i id=z>on grass</i>`;
    expect(texts(html)["/dir/a.png"]).toEqual(expect.arrayContaining(["aria: Red ball", "aria: on grass"]));
  });
  it("one text said twice is kept once, under the most trusted kind", () => {
    expect(
      texts(`<figure><img src=a.png alt="A cat" title="a CAT"><figcaption>A cat</figcaption></figure>`),
    ).toEqual({ "/dir/a.png": ["alt: A cat"] });
  });
  it("an image without any text is counted and left out", () => {
    const { candidates, skipped } = run(`<img src=a.png><img src=b.png alt="">`);
    expect(candidates).toEqual([]);
    expect(skipped).toEqual({ no_text: 2 });
  });
  it("the page's title joins an image of which only a file name is said", () => {
    expect(texts(`<title>Old bridges</title><img src=a.png alt="IMG_0042.jpg">`)).toEqual({
      "/dir/a.png": ["alt: IMG_0042.jpg", "page_title: Old bridges"],
    });
  });
});

describe("captions around the image", () => {
  const caption = (html: string) => texts(html)["/dir/a.png"];
  it.each([
    [
      "figure",
      `<figure><div><a href=x.html><img src=a.png></a></div><figcaption>A <b>red</b> kite</figcaption></figure>`,
      "figcaption: A red kite",
    ],
    [
      "WordPress",
      `<div class="wp-caption alignleft"><a href=/p><img src=a.png></a><p class="wp-caption-text">A red kite</p></div>`,
      "neighbour: A red kite",
    ],
    [
      "MediaWiki",
      `<div class="thumbinner"><a href="/wiki/File:K.jpg"><img src=a.png></a><div class="thumbcaption"><div class="magnify"></div>A red kite</div></div>`,
      "neighbour: A red kite",
    ],
    [
      "a MediaWiki gallery",
      `<ul class=gallery><li class=gallerybox><div><div class=thumb><a><img src=a.png></a></div><div class=gallerytext><p>A red kite</p></div></div></li><li class=gallerybox><div><div class=thumb><img src=b.png></div><div class=gallerytext>B</div></div></li></ul>`,
      "neighbour: A red kite",
    ],
    [
      "asciidoctor",
      `<div class="imageblock"><div class="content"><img src=a.png></div><div class="title">A red kite</div></div><div class=paragraph><p>Something else.</p></div>`,
      "neighbour: A red kite",
    ],
    ["the paragraph after", `<div><img src=a.png><p>A red kite</p></div>`, "neighbour: A red kite"],
    ["the paragraph before", `<div><p>A red kite</p><img src=a.png></div>`, "neighbour: A red kite"],
    [
      "the heading before",
      `<section><h3>A red kite</h3><div><img src=a.png></div></section>`,
      "neighbour: A red kite",
    ],
    ["its own paragraph", `<p><img src=a.png> A red kite</p>`, "neighbour: A red kite"],
    [
      "a list item",
      `<ul><li><img src=a.png><br>A red kite</li><li><img src=b.png>B</li></ul>`,
      "neighbour: A red kite",
    ],
    [
      "its table cell",
      `<table><tr><td><img src=a.png><p>A red kite</p></td><td><img src=b.png>B</td></tr></table>`,
      "neighbour: A red kite",
    ],
    [
      "the cell beside",
      `<table><tr><td><img src=a.png></td><td>A red kite</td></tr></table>`,
      "neighbour: A red kite",
    ],
    [
      "the cell below",
      `<table><tr><td><img src=a.png><td><img src=b.png></tr><tr><td>A red kite<td>B</tr></table>`,
      "neighbour: A red kite",
    ],
    ["a definition", `<dl><dt><img src=a.png></dt><dd>A red kite</dd></dl>`, "neighbour: A red kite"],
    ["a link's words", `<a href=other.html><img src=a.png> A red kite</a>`, "anchor: A red kite"],
  ])("%s", (_name, html, expected) => {
    expect(caption(html)).toContain(expected);
  });
  it("of two images in a row each gets the paragraph after it", () => {
    const found = texts(`<div><img src=a.png><p>One</p><img src=b.png><p>Two</p></div>`);
    expect(found).toEqual({ "/dir/a.png": ["neighbour: One"], "/dir/b.png": ["neighbour: Two"] });
  });
  it("a page of prose is no caption", () => {
    expect(texts(`<div><img src=a.png><p>${"Long prose. ".repeat(80)}</p></div>`)).toEqual({});
  });
});

describe("which picture an element stands for", () => {
  const only = (html: string) => Object.keys(texts(html));
  it.each([
    [
      "the widest of a srcset",
      `<img alt=x src=s.png srcset="m.png 640w, l.png 1280w, s.png 320w">`,
      "/dir/l.png",
    ],
    ["the densest of a srcset", `<img alt=x src=s.png srcset="s.png, l.png 2x">`, "/dir/l.png"],
    [
      "a picture's source",
      `<picture><source srcset="l.webp 2000w, m.webp 900w" type="image/webp"><img alt=x src=s.jpg></picture>`,
      "/dir/l.webp",
    ],
    [
      "no source of an unknown type",
      `<picture><source srcset="l.jxl 2000w" type="image/jxl"><img alt=x src=s.jpg></picture>`,
      "/dir/s.jpg",
    ],
    ["data-src", `<img alt=x src="data:image/gif;base64,R0" data-src="real.jpg">`, "/dir/real.jpg"],
    ["data-srcset", `<img alt=x src=blank.gif data-srcset="a.jpg 100w, b.jpg 200w">`, "/dir/b.jpg"],
    ["data-original", `<img alt=x src=blank.gif data-original="/o.jpg">`, "/o.jpg"],
    ["the picture a thumbnail links to", `<a href="big.jpg"><img alt=x src=thumb.jpg></a>`, "/dir/big.jpg"],
    [
      "not a wiki's page about the file",
      `<a href="/wiki/File:Big.jpg"><img alt=x src=thumb.jpg></a>`,
      "/dir/thumb.jpg",
    ],
    ["an input", `<input type=image src=go.png alt=x>`, "/dir/go.png"],
    ["an object", `<object data=d.svg type="image/svg+xml">A drawing</object>`, "/dir/d.svg"],
    ["an embed", `<embed src=d.png title=x>`, "/dir/d.png"],
    [
      "a background with a label",
      `<div role=img aria-label="A lake" style="color:red; background-image: url('bg.jpg')"></div>`,
      "/dir/bg.jpg",
    ],
  ])("%s", (_name, html, expected) => {
    expect(only(html)).toEqual([expected]);
  });
  it("a noscript fallback and its lazy image are one", () => {
    const html = `<img src="data:," data-src=a.jpg alt="A cat"><noscript><img src=a.jpg title="Minka"></noscript>`;
    expect(texts(html)).toEqual({ "/dir/a.jpg": ["alt: A cat", "title: Minka"] });
  });
  it("a text link to a picture is a candidate of its own", () => {
    expect(texts(`<p>See <a href=big.jpg>the tower at night</a> and <a href=p.html>more</a></p>`)).toEqual({
      "/dir/big.jpg": ["anchor: the tower at night"],
    });
  });
  it("one image in three places is one candidate with all texts", () => {
    const html = `<img src=a.jpg alt=One><img src="./a.jpg#x" alt=Two><img src="HTTP://SITE.test:80/dir/b/../a.jpg?utm_source=x" alt=Three>`;
    expect(texts(html)).toEqual({ "/dir/a.jpg": ["alt: One", "alt: Two", "alt: Three"] });
  });
  it("data URIs, tracking pixels, other schemes and broken addresses are counted", () => {
    const html = `<img src="data:image/png;base64,AA" alt=x><img src=p.gif width=1 height=1 alt=x><img src="blob:x" alt=x><img src="http://[" alt=x><img alt=x>`;
    expect(run(html).skipped).toEqual({
      data_uri: 1,
      tracking_pixel: 1,
      other_scheme: 1,
      bad_address: 1,
      no_address: 1,
    });
  });
});

describe("the head", () => {
  it("og:image gets its alt, title and description; twitter:image its own", () => {
    const html = `<meta property="og:title" content="A hike"><meta property="og:image" content="/o.jpg"><meta property="og:image:alt" content="A ridge"><meta property="og:description" content="Two days out"><meta name="twitter:image" content="/t.jpg"><meta name="twitter:image:alt" content="A tent">`;
    expect(texts(html)).toEqual({
      "/o.jpg": ["og: A ridge", "og: A hike", "og: Two days out"],
      "/t.jpg": ["og: A tent"],
    });
  });
  it("JSON-LD names images at any depth, with licence", () => {
    const html = `<script type="application/ld+json">{"@graph":[{"@type":"Article","headline":"Storms","image":{"@id":"#i"}},
      {"@type":["ImageObject"],"@id":"#i","contentUrl":"/j.jpg","caption":"Lightning &amp; rain","license":"https://creativecommons.org/licenses/by/4.0/"},
      {"@type":"Product","name":"A chair","image":["/c1.jpg","/c2.jpg"]}]}</script>`;
    expect(texts(html)).toEqual({
      "/j.jpg": ["jsonld: Lightning & rain", "jsonld: Storms"],
      "/c1.jpg": ["jsonld: A chair"],
      "/c2.jpg": ["jsonld: A chair"],
    });
    expect(run(html).candidates.find((c) => c.imageUrl.endsWith("j.jpg"))?.licence).toContain("/by/4.0/");
  });
  it("JSON-LD with a trailing comma and raw line breaks is read, rubbish is counted", () => {
    const html = `<script type="application/ld+json">{"@type":"ImageObject","url":"/a.jpg","name":"Two\nlines",}</script><script type="application/ld+json">{oops</script>`;
    expect(texts(html)).toEqual({ "/a.jpg": ["jsonld: Two lines"] });
    expect(run(html).skipped).toEqual({ broken_jsonld: 1 });
  });
});

describe("addresses and links", () => {
  it("base href rules over the page's address", () => {
    const { candidates, links } = run(`<base href="/other/"><img src=a.png alt=x><a href=n.html>n</a>`);
    expect(candidates[0]?.imageUrl).toBe("http://site.test/other/a.png");
    expect(links).toEqual(["http://site.test/other/n.html"]);
  });
  it("links are absolute, without fragment, once each, in order; frames apart", () => {
    const html = `<a href="b.html#x">b</a><a href=a.html>a</a><a href="b.html">b</a><a href="#top">t</a><a href="mailto:x@y">m</a><a href="javascript:1">j</a><a href="http://[">bad</a><area href="/c"><iframe src="f.html"></iframe><frame src="/g.html">`;
    const { links, frames } = run(html);
    expect(links).toEqual([
      "http://site.test/dir/b.html",
      "http://site.test/dir/a.html",
      "http://site.test/c",
    ]);
    expect(frames).toEqual(["http://site.test/dir/f.html", "http://site.test/g.html"]);
  });
  it("rel=nofollow links are left out and counted", () => {
    const { links, skipped } = run(`<a href=a rel="external nofollow">a</a><a href=b>b</a>`);
    expect(links).toEqual(["http://site.test/dir/b"]);
    expect(skipped).toEqual({ nofollow_links: 1 });
  });
  it("a page that sends its reader on by meta refresh is followed", () => {
    expect(run(`<meta http-equiv=refresh content="0; URL='next.html'">`).links).toEqual([
      "http://site.test/dir/next.html",
    ]);
  });
  it("licence and language are the page's, a nearer language rules", () => {
    const html = `<html lang=de><link rel=license href="https://creativecommons.org/licenses/by-sa/4.0/"><img src=a.png alt=Hund><div lang=fr><img src=b.png alt=chien></div>`;
    const { candidates } = run(html);
    expect(candidates.map(({ language }) => language)).toEqual(["de", "fr"]);
    expect(candidates[0]?.licence).toBe("https://creativecommons.org/licenses/by-sa/4.0/");
  });
});

describe("the address that a page calls its own", () => {
  const canonical = (html: string, headers = {}) => run(html, { headers }).canonical;
  it.each([
    [`<link rel=canonical href="/item.html#x">`, "http://site.test/item.html"],
    [
      `<head><base href="http://other.test/y/"><link rel="Canonical alternate" href="z"></head>`,
      "http://other.test/y/z",
    ],
    [`<link rel=canonical href=a><link rel=canonical href="./a">`, "http://site.test/dir/a"],
    [`<link rel=canonical href=a><link rel=canonical href=b>`, null],
    [`<link rel=canonical href=""><link rel=canonical>`, null],
    [`<link rel=canonical href="ftp://x/"><link rel=stylesheet href=a>`, null],
    [`<body><p><link rel=canonical href=a></p></body>`, null],
    [``, null],
  ])("%s", (html, expected) => {
    expect(canonical(html)).toBe(expected);
  });
  it.each([
    [`<http://site.test/a>; rel="canonical"`, "http://site.test/a"],
    [[`</s.css>; rel=preload; as=style, </a>; title="x, y"; rel=canonical`], "http://site.test/a"],
    [`</s.css>; rel=preload, </a>; rel=prev`, null],
  ])("Link: %s", (link, expected) => {
    expect(canonical("", { link })).toBe(expected);
  });
});

describe("opt-outs", () => {
  const img = `<img src=a.png alt=x><a href=n>n</a>`;
  it.each([
    [`<meta name="robots" content="index, noai">`, ["optout_page_meta"]],
    [`<meta name="ROBOTS" content="NOIMAGEAI">`, ["optout_page_meta"]],
    [`<meta name="pairloom" content="noimageindex">`, ["optout_page_meta"]],
    [`<meta name="googlebot" content="noindex">`, []],
    [`<meta name="robots" content="index, follow, max-image-preview:large">`, []],
    [`<meta name="tdm-reservation" content="1">`, ["optout_tdmrep"]],
    [`<meta name="tdm-reservation" content="0">`, []],
  ])("%s", (meta, expected) => {
    expect(run(meta + img).candidates[0]?.optOuts).toEqual(expected);
  });
  it("headers speak for the page's images", () => {
    const headers = { "x-robots-tag": ["googlebot: noindex", "noai"], "content-usage": "train-ai=n" };
    expect(run(img, { headers }).candidates[0]?.optOuts).toEqual([
      "optout_content_usage",
      "optout_page_header",
    ]);
    expect(run(img, { headers, obeyOptOuts: false }).candidates[0]?.optOuts).toEqual([]);
    expect(run(img, { headers, ignoreOptOuts: ["optout_page_header"] }).candidates[0]?.optOuts).toEqual([
      "optout_content_usage",
    ]);
  });
  it("nofollow for the page leaves its links alone", () => {
    expect(run(`<meta name=robots content=nofollow>${img}`)).toMatchObject({
      links: [],
      skipped: { nofollow_page: 1 },
    });
    expect(run(`<meta name=robots content=nofollow>${img}`).candidates[0]?.optOuts).toEqual([]);
  });
});
