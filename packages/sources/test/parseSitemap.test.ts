import { gzipSync } from "node:zlib";
import { candidateSchema } from "@pairloom/config";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSitemap } from "../src/site/parseSitemap.js";

const at = "https://site.example/sitemap.xml";
const read = (body: string | Uint8Array, options = {}) =>
  parseSitemap(typeof body === "string" ? Buffer.from(body) : body, at, { source: "site", ...options });

const imageMap = `<?xml version="1.0"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
  <url><loc> https://site.example/a?x=1&amp;y=2 </loc>
    <image:image><image:loc>https://cdn.example/1.jpg</image:loc><image:caption>A &quot;red&quot; star</image:caption>
      <image:title>Star</image:title><image:license>https://l.example/</image:license></image:image>
    <image:image><image:loc>https://cdn.example/2.jpg</image:loc></image:image>
  </url>
  <url><loc><![CDATA[https://site.example/b]]></loc><lastmod>2026-01-01</lastmod></url>
</urlset>`;

describe("a sitemap", () => {
  it("gives its pages, and its images with a text", () => {
    const sitemap = read(imageMap);
    expect(sitemap.kind).toBe("pages");
    expect(sitemap.pages).toEqual(["https://site.example/a?x=1&y=2", "https://site.example/b"]);
    expect(sitemap.candidates).toEqual([
      {
        imageUrl: "https://cdn.example/1.jpg",
        texts: [
          { kind: "sitemap", text: 'A "red" star' },
          { kind: "sitemap", text: "Star" },
        ],
        pageUrl: "https://site.example/a?x=1&y=2",
        query: null,
        source: "site",
        licence: "https://l.example/",
        language: null,
        optOuts: [],
      },
    ]);
    expect(sitemap.skipped).toEqual({ image_without_text: 1 });
  });

  it("may be gzipped, cut off, in UTF-16 or in plain text", () => {
    const whole = read(imageMap);
    expect(read(gzipSync(imageMap))).toEqual(whole);
    expect(read(Buffer.from(`\ufeff${imageMap}`, "utf16le"))).toEqual(whole);
    const zipped = gzipSync(imageMap);
    expect(read(zipped.subarray(0, zipped.length - 30)).pages).toContain("https://site.example/a?x=1&y=2");
    expect(read("https://site.example/1\r\n\r\n/2\nnonsense:x\n")).toMatchObject({
      kind: "text",
      pages: ["https://site.example/1", "https://site.example/2"],
      skipped: { url_invalid: 1 },
    });
  });

  it("may be an index of further sitemaps", () => {
    const index = read(
      `<sitemapindex><sitemap><loc>/maps/1.xml</loc></sitemap><sitemap><loc>/maps/2.xml.gz</loc></sitemap></sitemapindex>`,
    );
    expect(index.kind).toBe("index");
    expect(index.sitemaps).toEqual(["https://site.example/maps/1.xml", "https://site.example/maps/2.xml.gz"]);
    expect(index.pages).toEqual([]);
  });

  it("may use any namespace prefix", () => {
    const map = read(`<s:urlset xmlns:s="x"><s:url><s:loc>https://site.example/</s:loc></s:url></s:urlset>`);
    expect(map.pages).toEqual(["https://site.example/"]);
  });

  it("keeps no more than maxEntries and counts the rest", () => {
    const urls = Array.from({ length: 10 }, (_, i) => `<url><loc>https://site.example/${i}</loc></url>`).join(
      "",
    );
    const map = read(`<urlset>${urls}</urlset>`, { maxEntries: 4 });
    expect(map.pages).toHaveLength(4);
    expect(map.skipped).toEqual({ over_limit: 6 });
  });

  it("that inflates beyond the limit is not read", () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000, 0x20));
    expect(read(bomb, { maxBytes: 1_000_000 })).toMatchObject({
      kind: "unknown",
      skipped: { bytes_over_limit: 1 },
    });
  });

  it("of a web page or of nothing is unknown", () => {
    expect(read("<!doctype html><html><body><p>Not found</body></html>")).toMatchObject({
      kind: "unknown",
      pages: [],
    });
    expect(read("")).toMatchObject({ kind: "unknown", pages: [] });
    expect(read("hello")).toMatchObject({ kind: "unknown", pages: [] });
  });

  it("expands no entities of its own", () => {
    const map = read(
      `<!DOCTYPE x [<!ENTITY a "https://evil.example/">]><urlset><url><loc>&a;</loc></url><url><loc>https://site.example/ok</loc></url></urlset>`,
    );
    expect(map.pages).not.toContain("https://evil.example/");
    expect(map.pages).toContain("https://site.example/ok");
  });

  it("of any bytes does no harm: absolute http URLs and valid candidates come out", () => {
    const scraps = fc.constantFrom(
      "<urlset>",
      "</urlset>",
      "<url>",
      "</url>",
      "<loc>",
      "</loc>",
      "<image:image>",
      "</image:image>",
      "<image:loc>",
      "</image:loc>",
      "<image:caption>",
      "</image:caption>",
      "<sitemap>",
      "</sitemap>",
      "<sitemapindex>",
      "<![CDATA[",
      "]]>",
      "<!--",
      "-->",
      "&amp;",
      "&#0;",
      "&#xFFFFFFFF;",
      "https://a.example/x",
      "//b",
      "http://[",
      "a red star",
      "\u0000",
      "<?xml",
    );
    const soup = fc.array(fc.oneof(scraps, fc.string({ maxLength: 6 })), { maxLength: 40 });
    fc.assert(
      fc.property(
        fc.oneof(
          soup.map((parts) => Buffer.from(parts.join(""))),
          fc.uint8Array({ maxLength: 200 }),
        ),
        (body) => {
          const map = read(body);
          for (const url of [...map.pages, ...map.sitemaps])
            expect(new URL(url).protocol).toMatch(/^https?:$/);
          for (const candidate of map.candidates) candidateSchema.parse(candidate);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a sitemap in another encoding than UTF-8", () => {
  const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
  const map = (declaration: string): string =>
    `${declaration}<urlset><url><loc>https://site.example/caf\xe9</loc><image:image>` +
    "<image:loc>https://cdn.example/\xe9.jpg</image:loc><image:caption>Zo\xeb</image:caption></image:image></url></urlset>";
  const decoded = {
    page: "https://site.example/caf%C3%A9",
    image: "https://cdn.example/%C3%A9.jpg",
    text: "Zoë",
  };
  it.each<[string, Buffer, string | null]>([
    ["by its declaration", latin1(map('<?xml version="1.0" encoding="ISO-8859-1"?>')), null],
    ["by its declaration, whatever the transport says", latin1(map("<?xml encoding='latin1'?>")), "koi8-r"],
    ["by the transport", latin1(map("<?xml version='1.0'?>")), "iso-8859-1"],
    ["as windows-1252 where nothing is said", latin1(map("")), null],
    ["as windows-1252 where UTF-8 is said in vain", latin1(map("")), "utf-8"],
    ["as UTF-8 where it is that, whatever the transport says", Buffer.from(map("")), "iso-8859-1"],
    ["as UTF-8 where UTF-16 is declared in ASCII", Buffer.from(map('<?xml encoding="utf-16"?>')), null],
    ["by a label that nobody knows: as UTF-8", Buffer.from(map('<?xml encoding="x-none"?>')), "x-none"],
    ["gzipped", gzipSync(latin1(map('<?xml encoding="ISO-8859-1"?>'))), null],
  ])("is decoded %s", (_name, bytes, charset) => {
    const { pages, candidates } = read(bytes, { charset });
    const [image] = candidates;
    expect({ page: pages[0], image: image?.imageUrl, text: image?.texts[0]?.text }).toEqual(decoded);
  });
  it("as a list: its bytes stand for themselves", () => {
    expect(read(latin1("https://site.example/caf\xe9\nhttps://site.example/b\n")).pages).toEqual([
      "https://site.example/caf%E9",
      "https://site.example/b",
    ]);
    expect(read(Buffer.from("https://site.example/café\n")).pages).toEqual([
      "https://site.example/caf%C3%A9",
    ]);
  });
});
