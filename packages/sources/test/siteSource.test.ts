import { UserError } from "@pairloom/config";
import { describe, expect, it } from "vitest";
import { inScope, scopeOf } from "../src/site/siteScope.js";
import { isSitemapOf, siteSource } from "../src/site/siteSource.js";

const config = {
  kind: "site" as const,
  name: "docs",
  url: "https://site.example:8443/docs/en/index.html#top",
  followLinks: true,
  useSitemaps: true,
  maxPages: 10,
};

describe("a site's scope", () => {
  const scope = scopeOf(config.url, 10);
  it.each([
    ["https://site.example:8443/docs/en/a/b.html", true],
    ["https://site.example:8443/docs/en/", true],
    ["https://site.example:8443/docs/enough", false],
    ["https://site.example:8443/docs/en/../secret", false],
    ["https://site.example/docs/en/a.html", false],
    ["http://site.example:8443/docs/en/a.html", false],
    ["https://other.example:8443/docs/en/a.html", false],
    ["not a url", false],
  ])("%s: %s", (url, belongs) => {
    expect(inScope(url, scope)).toBe(belongs);
  });
});

describe("a site source", () => {
  it("starts at its page and at /sitemap.xml", () => {
    const site = siteSource(config);
    const { scope } = site;
    expect(site.start([])).toEqual([
      { url: "https://site.example:8443/docs/en/index.html", source: "docs", scope, kind: "page" },
      { url: "https://site.example:8443/sitemap.xml", source: "docs", scope, kind: "sitemap" },
    ]);
  });

  it("prefers the sitemaps of robots.txt, but none of other origins", () => {
    const urls = siteSource(config)
      .start([
        "https://site.example:8443/maps/a.xml",
        "/maps/b.xml",
        "https://elsewhere.example/s.xml",
        "http://[",
      ])
      .map(({ url }) => url);
    expect(urls.slice(1)).toEqual([
      "https://site.example:8443/maps/a.xml",
      "https://site.example:8443/maps/b.xml",
    ]);
  });

  it("can do without sitemaps and without links", () => {
    const pages = siteSource({ ...config, useSitemaps: false, followLinks: false }).start(["/maps/a.xml"]);
    expect(pages).toHaveLength(1);
    expect(pages[0]?.scope).toBeNull();
  });

  it("takes further sitemaps from anywhere on its origin", () => {
    const { scope } = siteSource(config);
    expect(isSitemapOf("https://site.example:8443/maps/x.xml", scope)).toBe(true);
    expect(isSitemapOf("https://elsewhere.example/x.xml", scope)).toBe(false);
  });

  it("refuses what is no http URL", () => {
    expect(() => siteSource({ ...config, url: "docs/index.html" })).toThrow(UserError);
  });
});
