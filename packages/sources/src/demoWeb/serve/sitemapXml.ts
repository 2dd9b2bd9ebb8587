import { demoPicture } from "../pictures/demoPicture.js";
import type { DemoPlan, PlannedPage } from "../plan/demoPlan.js";
import { hostOrigin, imageUrl } from "../plan/imageUrl.js";
import { escapeHtml } from "./escapeHtml.js";

const header = `<?xml version="1.0" encoding="UTF-8"?>\n`;
const xmlns = `xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"`;

/** A sitemap index over the given paths of a host. */
export function sitemapIndexXml(host: number, paths: readonly string[], port: number): string {
  const entries = paths.map((path) => `<sitemap><loc>${hostOrigin(host, port)}${path}</loc></sitemap>`);
  return `${header}<sitemapindex ${xmlns}>\n${entries.join("\n")}\n</sitemapindex>\n`;
}

/** A sitemap of pages; `withImages` adds image entries with captions for every fourth page. */
export function sitemapXml(
  plan: DemoPlan,
  pages: readonly PlannedPage[],
  port: number,
  withImages: boolean,
): string {
  const entries = pages.map((page) => {
    const images =
      withImages && page.fate === "good" && page.id % 4 === 0 ? imageEntries(plan, page, port) : "";
    return `<url><loc>${hostOrigin(page.host, port)}${page.path}</loc>${images}</url>`;
  });
  return (
    `${header}<urlset ${xmlns} xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">\n` +
    `${entries.join("\n")}\n</urlset>\n`
  );
}

function imageEntries(plan: DemoPlan, page: PlannedPage, port: number): string {
  return page.placed
    .filter(({ way }) => way !== "file_name")
    .map(({ image, captionOffset }) => {
      const { captions } = demoPicture(plan.seed, image.combination, image.index);
      const caption = captions[(captionOffset + 2) % captions.length] as string;
      return (
        `<image:image><image:loc>${escapeHtml(imageUrl(image, port))}</image:loc>` +
        `<image:caption>${escapeHtml(caption)}</image:caption></image:image>`
      );
    })
    .join("");
}
