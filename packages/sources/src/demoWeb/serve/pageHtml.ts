import { demoPicture } from "../pictures/demoPicture.js";
import { demoHosts } from "../plan/demoHosts.js";
import type { DemoPlan, PlannedPage } from "../plan/demoPlan.js";
import { hostOrigin, imageUrl } from "../plan/imageUrl.js";
import { escapeHtml } from "./escapeHtml.js";
import { figureHtml } from "./figureHtml.js";

/** Hosts whose pages carry a base element that moves relative URLs to /media/. */
const basedHosts = new Set([8]);

/** A page with its pictures, and the noise around them: icons, a logo, a counting pixel. */
export function pageHtml(
  plan: DemoPlan,
  page: PlannedPage,
  neighbours: readonly PlannedPage[],
  port: number,
): string {
  const origin = hostOrigin(page.host, port);
  const based = basedHosts.has(page.host);
  const shorten = (url: string) => {
    if (!url.startsWith(`${origin}/`)) return url;
    const path = url.slice(origin.length);
    return based && path.startsWith("/media/") ? path.slice("/media/".length) : path;
  };
  const host = demoHosts.find(({ number }) => number === page.host);
  const links = neighbours
    .map((other) => `<li><a href="${shorten(hostOrigin(other.host, port) + other.path)}">next</a></li>`)
    .join("");
  const figures = page.placed.map((placed) => figureHtml(plan.seed, placed, port, shorten)).join("\n");
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(page.title)}</title>\n` +
    (based ? `<base href="${origin}/media/">\n` : "") +
    `<link rel="icon" href="/favicon.ico">\n${metaTags(plan, page, port)}` +
    (host?.licence ? `<link rel="license" href="${host.licence}">\n` : "") +
    `</head><body>\n<header><a href="/"><img src="/chrome/logo.png" alt="logo" width="32" height="32"></a>` +
    `<nav><img src="/chrome/menu.png" alt="" width="16" height="16"><img src="/chrome/find.png" alt="search" width="16" height="16"></nav></header>\n` +
    `<main>\n${figures}\n</main>\n<footer><ul>${links}</ul><p>All plates were drawn by a program.</p>` +
    `<img src="/chrome/count.gif" width="1" height="1" alt=""></footer></body></html>\n`
  );
}

function metaTags(plan: DemoPlan, page: PlannedPage, port: number): string {
  const tags: string[] = [];
  if (page.fate === "page_meta_noai") tags.push(`<meta name="robots" content="noai, noimageai">`);
  if (page.fate === "page_tdm_meta") tags.push(`<meta name="tdm-reservation" content="1">`);
  const first = page.placed[0];
  if (first !== undefined && page.fate === "good" && page.id % 3 === 0 && first.way !== "file_name") {
    const { captions } = demoPicture(plan.seed, first.image.combination, first.image.index);
    tags.push(`<meta property="og:image" content="${escapeHtml(imageUrl(first.image, port))}">`);
    tags.push(
      `<meta property="og:image:alt" content="${escapeHtml(captions[first.captionOffset] as string)}">`,
    );
    tags.push(`<meta property="og:title" content="${escapeHtml(page.title)}">`);
  }
  return tags.map((tag) => `${tag}\n`).join("");
}
