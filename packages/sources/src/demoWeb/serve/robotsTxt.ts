import type { DemoHost } from "../plan/demoHosts.js";
import { hostOrigin } from "../plan/imageUrl.js";

/** robots.txt of a host: status and body. */
export function robotsTxt(host: DemoHost, port: number): { status: number; body: string } {
  switch (host.robots) {
    case "missing":
      return { status: 404, body: "not found\n" };
    case "error":
      return { status: 500, body: "out of order\n" };
    case "crawl-delay":
      return {
        status: 200,
        body: `User-agent: *\nCrawl-delay: 1\nDisallow: /private/\n${sitemapLine(host, port)}`,
      };
    case "rules":
      return {
        status: 200,
        body:
          `# ${host.name}\nUser-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n\n` +
          `User-agent: pairloom\nDisallow: /for-people/\n${closedParts}\n` +
          `User-agent: *\n${closedParts}\n${sitemapLine(host, port)}`,
      };
  }
}

const closedParts = "Disallow: /private/\nDisallow: /*/draft-*\nAllow: /\n";

function sitemapLine(host: DemoHost, port: number): string {
  return host.role === "site" || host.role === "calm"
    ? `Sitemap: ${hostOrigin(host.number, port)}/${sitemapEntry(host)}\n`
    : "";
}

/** Every other site has an index over two sitemaps, the rest one sitemap. */
export function sitemapEntry(host: DemoHost): "sitemap.xml" | "sitemap_index.xml" {
  return host.number % 2 === 0 ? "sitemap_index.xml" : "sitemap.xml";
}
