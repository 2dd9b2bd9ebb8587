import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { extractCandidates } from "../src/index.js";

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.html`, import.meta.url));

/** Image address without the site's → its texts. */
function found(html: string | Uint8Array, url = "http://site.test/dir/page.html") {
  const { candidates, skipped } = extractCandidates({ html, url, source: "site" });
  const texts = Object.fromEntries(
    candidates.map(({ imageUrl, texts }) => [
      imageUrl.replace("http://site.test", ""),
      texts.map(({ text }) => text).join("|"),
    ]),
  );
  return { texts, skipped };
}
const only = (html: string) => found(html).texts;

describe("a page of lazy loaders", () => {
  it("gives each picture with its own caption and never the placeholder", () => {
    expect(found(fixture("lazyLoaders")).texts).toEqual({
      "/photos/red%20boat%201.jpg": "a red boat",
      "/photos/plain.jpg": "a plain boat",
      "/dir/gallery/noslash": "a boat without extension",
      "/dir/noextension?id=5": "a boat by number",
      "/photos/cf.jpg": "a cloud boat",
      "/photos/ps.jpg": "a quick boat",
      "/photos/ez.jpg": "an easy boat",
      "/photos/nitro.jpg": "a nitro boat",
      "/photos/flick.jpg": "a flick boat",
      "/photos/retina.jpg": "a retina boat",
      "/photos/lo.jpg": "an original boat",
      "/photos/th.jpg": "a thumb boat",
      "/photos/hr.jpg": "a hires boat",
      "/photos/sq.jpg": "a square boat",
      "/photos/real.jpg": "a real boat",
      "/photos/s-960.jpg": "a set boat",
      "/photos/template.jpg": "a template boat",
      "http://127.0.0.1:19112/photos/schemeless.jpg": "a schemeless boat",
      "/photos/entity.jpg": "an entity boat",
      "/photos/ns.jpg": "a noscript boat",
    });
  });
});

describe("what stands in for a placeholder", () => {
  const blank = `src="/img/blank.gif" alt="A heron"`;
  it.each([
    ["an attribute of any name", `<img ${blank} data-qzx="/heron.jpg">`],
    ["an attribute without data-", `<img ${blank} src2="/heron.jpg">`],
    ["a thumbnail, where nothing else is named", `<img ${blank} data-thumbnail="/heron.jpg">`],
    ["CSS in an attribute", `<img ${blank} data-bg="url('/heron.jpg')">`],
    ["its own background", `<img ${blank} style="background-image:url(/heron.jpg)">`],
    ["the background of what wraps it", `<div style="background:url(/heron.jpg)"><img ${blank}></div>`],
    ["an attribute of what wraps it", `<div><span data-photo="/heron.jpg"><img ${blank}></span></div>`],
    ["a srcset of any name", `<img ${blank} data-sizes-for="/s.jpg 320w, /heron.jpg 960w">`],
    [
      "a picture's lazy source",
      `<picture><source data-srcset="/heron.jpg 2x, /s.jpg 1x"><img ${blank}></picture>`,
    ],
    ["JSON by width", `<img ${blank} data-images='{"320":"/s.jpg","960":"/heron.jpg"}'>`],
    [
      "JSON with sizes as values",
      `<img ${blank} data-dynamic='{"/s.jpg":[320,200],"/heron.jpg":[960,600]}'>`,
    ],
    [
      "JSON with objects",
      `<img ${blank} data-x='[{"src":"/s.jpg","width":3},{"src":"/heron.jpg","width":9}]'>`,
    ],
    [
      "a width to be filled in",
      `<img ${blank} data-src="/her{width}.jpg" data-widths="[7, 1, 3]">`,
      "/her7.jpg",
    ],
    ["the noscript beside it", `<div><img ${blank}> <noscript><img src="/heron.jpg"></noscript></div>`],
    [
      "the noscript beside its wrapper",
      `<div><p><img ${blank}></p><noscript><img src="/heron.jpg"></noscript></div>`,
    ],
    ["a link's picture", `<a href="/heron.jpg"><img ${blank}></a>`],
    ["an attribute of an image input", `<input type=image ${blank} data-src="/heron.jpg">`],
    ["a photograph beside a drawing of any name", `<img src="/t7.gif" alt="A heron" data-qzx="/heron.jpg">`],
    ["an address with spaces and no extension", `<img ${blank} data-src="/red heron 1">`, "/red%20heron%201"],
    ["another attribute where there is no src", `<img alt="A heron" data-src="/heron.jpg">`],
  ])("%s", (_name, html, expected = "/heron.jpg") => {
    expect(only(html)).toEqual({ [expected]: "A heron" });
  });
  it.each([
    "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==",
    "about:blank",
    "#",
    "//:0",
    "javascript:void(0)",
    "{{ item.src }}",
    "https://cdn.example/{{ item.id }}.jpg",
    "/i/1x1.png",
    "/i/spacer.gif?v=3",
    "/i/grey.gif",
    "/i/img-placeholder-600x400.svg",
    "/i/lazy_placeholder.jpg",
    "/ajax-loader.gif",
    "https://via.placeholder.com/300x200",
  ])("src=%s shows nothing", (src) => {
    expect(only(`<img src="${src}" alt="A heron" data-src="/heron.jpg">`)).toEqual({
      "/heron.jpg": "A heron",
    });
    expect(only(`<img src="${src}" alt="A heron">`)).toEqual({});
  });
  it("where none can be told there is no candidate, and that is counted", () => {
    const html = `<img ${blank} data-id="7"><img ${blank} data-list='["/a.jpg","/b.jpg"]'>`;
    expect(found(html)).toEqual({ texts: {}, skipped: { placeholder: 2 } });
  });
  it("a lazy image of one pixel is no tracking pixel", () => {
    expect(only(`<img width=1 height=1 ${blank} data-src="/heron.jpg">`)).toEqual({
      "/heron.jpg": "A heron",
    });
    const noscript = `<img ${blank}><noscript><img src="/count.gif" width=1 height=1></noscript>`;
    expect(found(noscript).skipped).toEqual({ placeholder: 1, tracking_pixel: 1 });
  });
});

describe("an address that images of a page share", () => {
  it("is a placeholder where they name different pictures elsewhere, whatever it is called", () => {
    const html = `<img src="/ph1" alt=One data-foo="/1.jpg"><img src="/ph1" alt=Two data-foo="/2.jpg"><img src="/ph1" alt=Three><a href="/4.jpg"><img src="/ph1" alt=Four></a>`;
    expect(found(html)).toEqual({
      texts: { "/1.jpg": "One", "/2.jpg": "Two", "/4.jpg": "Four" },
      skipped: { placeholder: 1 },
    });
  });
  it("is a placeholder in a srcset too", () => {
    const html = ["1", "2"].map(
      (n) => `<img srcset="/ph1 9w, /ph1 1x" src="/ph1" alt="${n}" data-x="/${n}.jpg">`,
    );
    expect(Object.keys(only(html.join("")))).toEqual(["/1.jpg", "/2.jpg"]);
  });
  it("is a picture where they name one and the same, or none", () => {
    const logo = `<img src="/logo.jpg" alt="The mill" data-other="/mill.jpg">`;
    expect(only(logo + logo)).toEqual({ "/logo.jpg": "The mill" });
    expect(only(`<img src="/a.jpg" alt=One><img src="/a.jpg" alt=Two>`)).toEqual({ "/a.jpg": "One|Two" });
  });
});

describe("a picture that is shown as it is", () => {
  const kept = (attributes: string) => only(`<img src="/heron.jpg" alt="A heron" ${attributes}>`);
  it.each([
    `data-hover-src="/hover.jpg"`,
    `data-placeholder-src="/low.jpg"`,
    `data-fallback="/broken.jpg"`,
    `data-thumb="/thumb.jpg"`,
    `data-other="/other.jpg"`,
    `data-src="{{ item.image }}"`,
    `data-src="true"`,
    `data-zoom="1.5"`,
    `data-lazy-ratio="16/9"`,
    `data-full="yes"`,
    `data-original-title="See a/b"`,
    `data-image-caption="heron.jpg"`,
    `data-file-name="dsc/1.jpg"`,
    `data-page-url="/page/1.jpg"`,
    `data-url="/herons/5"`,
    `data-image-meta='{"aperture":"0"}'`,
    `data-src="[1, {"`,
    `longdesc="/heron.png"`,
    `onclick="show('/x.jpg')"`,
    `:src="/x.jpg"`,
    `srcset="data:image/png;base64,AA 2x, /blank.gif 3x"`,
  ])("is kept beside %s", (attributes) => {
    expect(Object.keys(kept(attributes))).toEqual(["/heron.jpg"]);
  });
  it.each([
    "/blanket.jpg",
    "/grey-heron.jpg",
    "/loading-dock.jpg",
    "/img/clear-lake.png",
    "/pixel-art.png",
    "/s/pic.jpg",
    "/{4A3F-11AA}.jpg",
    "/text.php?t=%3Cb%3E",
  ])("%s is no placeholder", (src) => {
    expect(
      Object.keys(only(`<img src="${src}" alt="x">`)).map((found) =>
        found.replace("%7B", "{").replace("%7D", "}"),
      ),
    ).toEqual([src]);
  });
  it("gives way to a larger one by its name", () => {
    expect(Object.keys(kept(`data-large-file="/large.jpg" srcset="/m.jpg 640w"`))).toEqual(["/large.jpg"]);
    expect(Object.keys(kept(`data-original="/real.jpg"`))).toEqual(["/real.jpg"]);
  });
});

it("a drawing stays where only drawings stand beside it", () => {
  expect(Object.keys(only(`<img src="/a.svg" alt="A map" data-other="/b.svg">`))).toEqual(["/a.svg"]);
});

it("a placeholder is no candidate where the page's head names it", () => {
  const head = `<meta property="og:image" content="/img/blank.gif"><meta property="og:title" content="Harbour">`;
  expect(found(head)).toEqual({ texts: {}, skipped: { placeholder: 1 } });
});
