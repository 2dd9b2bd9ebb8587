import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { candidateSchema } from "@pairloom/config";
import { decodeHtml, extractCandidates, parseSrcset } from "../src/index.js";

const run = (html: string | Uint8Array) =>
  extractCandidates({ html, url: "http://site.test/", source: "site" });
const n = 30_000;
const deep = `<figure>${"<div>".repeat(100_000)}<img src=a.png alt=x>${"</div>".repeat(100_000)}`;

describe("hostile pages cost linear time and no stack", () => {
  it.each([
    ["100,000 nested divs", deep],
    ["nested divs that never close", "<div>".repeat(n) + "<img src=a.png alt=x>"],
    [
      "closing tags of nothing below deep nesting",
      "<div>".repeat(n) + "</p></x>".repeat(n) + "<img src=a.png alt=x>",
    ],
    ["nested svg", "<svg>".repeat(n) + "</svg>".repeat(n) + "<img src=a.png alt=x>"],
    ["nested links", `<a href=x>`.repeat(n) + "<img src=a.png alt=x>"],
    ["misnested formatting", "<b><i></b></i>".repeat(n) + "<img src=a.png alt=x>"],
    ["sixty thousand paragraphs beside", `${"<p>".repeat(n)}<img src=a.png alt=x>${"<p>".repeat(n)}`],
    ["an attribute of 5 MB", `<img src=a.png alt=x data-x="${"y".repeat(5_000_000)}">`],
    [
      "thirty thousand attributes",
      `<img src=a.png alt=x ${Array.from({ length: n }, (_, i) => `a${i}=1`).join(" ")}>`,
    ],
    [
      "a srcset of commas",
      `<img src=a.png alt=x srcset="${",".repeat(n)}"><img src=a.png srcset="${"(".repeat(n)}">`,
    ],
    [
      "a style of brackets",
      `<div title=x style="background:${"url(".repeat(n)}"></div><img src=a.png alt=x>`,
    ],
    [
      "thousands of inputs in one wrapper with a long attribute",
      `<div data-x="/x.jpg ${"y".repeat(1_000_000)}">${"<input type=image src=blank.gif alt=y>".repeat(n / 10)}<img src=a.png alt=x></div>`,
    ],
    [
      "a picture of thousands of images and sources",
      `<picture>${"<source srcset='blank.gif 1x'><img src=blank.gif alt=y>".repeat(n / 5)}<img src=a.png alt=x></picture>`,
    ],
    [
      "placeholders with noscripts in one container",
      `<div>${"<img src=blank.gif alt=y><noscript><b></noscript>".repeat(n / 5)}<img src=a.png alt=x></div>`,
    ],
    [
      "widths to fill in without end",
      `<img src=a.png alt=x data-widths="${"1,".repeat(500_000)}" ${Array.from({ length: 5000 }, (_, i) => `a${i}={width}`).join(" ")}>`,
    ],
    ["words of a placeholder's name", `<img src="/${"lazy-img-".repeat(n)}x" alt=y><img src=a.png alt=x>`],
    [
      "a media query without end",
      `<picture><source media="${"(a) and ".repeat(n)}" srcset=b.png><img src=a.png alt=x></picture>`,
    ],
    ["an open comment", `<img src=a.png alt=x><!--${"-".repeat(n)}`],
    [
      "deep JSON",
      `<script type="application/ld+json">${"[".repeat(n)}${"]".repeat(n)}</script><img src=a.png alt=x>`,
    ],
  ])("%s", (_name, html) => {
    const startedMs = performance.now();
    expect(run(html).candidates.map(({ imageUrl }) => imageUrl)).toContain("http://site.test/a.png");
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
  it("ten thousand images in one container, each with its paragraph", () => {
    const html = `<div>${Array.from({ length: 10_000 }, (_, i) => `<img src=${i}.png><p>Number ${i}</p>`).join("")}</div>`;
    const startedMs = performance.now();
    const { candidates } = run(html);
    expect(candidates[9999]).toMatchObject({ texts: [{ kind: "neighbour", text: "Number 9999" }] });
    expect(candidates).toHaveLength(10_000);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
  it("images beyond the limit are counted", () => {
    const html = Array.from({ length: 30 }, (_, i) => `<img src=${i}.png alt=x>`).join("");
    const { candidates, skipped } = extractCandidates({
      html,
      url: "http://s.test/",
      source: "s",
      maxImages: 10,
    });
    expect([candidates.length, skipped]).toEqual([10, { too_many_images: 20 }]);
  });
  it("a page is read up to its cap, and says so", () => {
    const html = Buffer.from(`<img src=a.png alt=x>${" ".repeat(1000)}<img src=b.png alt=y>`);
    const { candidates, skipped } = extractCandidates({
      html,
      url: "http://s.test/",
      source: "s",
      maxBytes: 500,
    });
    expect([candidates.length, skipped]).toEqual([1, { cut_page: 1 }]);
  });
  it("any text gives candidates that fit the record, the same each time", () => {
    const piece = fc.constantFrom(
      "<img src=a alt='x'>",
      "<figure>",
      "</figure>",
      "<figcaption>c",
      "<a href='b.jpg'>",
      "</a>",
      "<td>",
      "<tr>",
      "<p>",
      "</p>",
      "<img srcset='a 1x, b 2x' title=t>",
      "<base href='//x.y/'>",
      "<base href='::'>",
      "<script type=application/ld+json>",
      "</script>",
      '{"image":"q","name":"n"}',
      "<meta property=og:image content=z>",
      "<noscript>",
      "<template>",
      "<svg>",
      "&amp;",
      "\ud800",
      "\u0000",
      "<!--",
      "-->",
      "text",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 40 }), (parts) => {
        const html = parts.join("");
        const { candidates } = run(html);
        for (const candidate of candidates) {
          candidateSchema.parse(candidate);
          expect(
            candidate.texts.every(({ text }) => text === text.trim() && !/[\ud800-\udfff]/u.test(text)),
          ).toBe(true);
        }
        expect(run(html).candidates).toEqual(candidates);
      }),
      { numRuns: 300 },
    );
  });
  it("any bytes are read", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => run(bytes).candidates.length >= 0));
  });
  it("any srcset is read", () => {
    fc.assert(
      fc.property(fc.string(), (text) => parseSrcset(text).every(({ url }) => url !== "" && !/\s/.test(url))),
    );
  });
});

describe("encodings", () => {
  const bytes = (text: string, encoding: BufferEncoding) => Buffer.from(text, encoding);
  it.each([
    [
      "the byte order mark rules",
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes("é", "utf8")]),
      "iso-8859-1",
      "é",
      "utf-8",
    ],
    [
      "the transport's charset comes next",
      bytes('<meta charset="utf-8">é', "latin1"),
      "ISO-8859-1",
      '<meta charset="utf-8">é',
      "windows-1252",
    ],
    [
      "then meta",
      bytes('<meta charset="windows-1251">\xef\xf0', "latin1"),
      null,
      '<meta charset="windows-1251">пр',
      "windows-1251",
    ],
    [
      "meta http-equiv too",
      bytes("<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>\xf0", "latin1"),
      null,
      "<meta http-equiv=Content-Type content='text/html; charset=koi8-r'>П",
      "koi8-r",
    ],
    ["an unknown label is passed over", bytes("é", "utf8"), "nonsense-9", "é", "utf-8"],
    ["valid UTF-8 is UTF-8", bytes("naïve", "utf8"), null, "naïve", "utf-8"],
    ["what isn't is windows-1252", bytes("na\xefve \x80", "latin1"), null, "naïve €", "windows-1252"],
    [
      "a character cut at the end is still UTF-8",
      bytes("naïve €", "utf8").subarray(0, -1),
      null,
      "naïve \ufffd",
      "utf-8",
    ],
    [
      "UTF-16 by its mark",
      Buffer.concat([Buffer.from([0xff, 0xfe]), bytes("hé", "utf16le")]),
      null,
      "hé",
      "utf-16le",
    ],
  ])("%s", (_name, input, charset, html, encoding) => {
    expect(decodeHtml(input, charset)).toEqual({ html, encoding });
  });
  it("the header's charset is found where the type was stripped of it", () => {
    const html = bytes('<img src=a alt="caf\xe9">', "latin1");
    const headers = { "content-type": "text/html; charset=iso-8859-2" };
    const { candidates, encoding } = extractCandidates({
      html,
      url: "http://s.test/",
      source: "s",
      contentType: "text/html",
      headers,
    });
    expect([candidates[0]?.texts[0]?.text, encoding]).toEqual(["café", "iso-8859-2"]);
  });
});
