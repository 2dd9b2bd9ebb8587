import { type DemoHost, demoHosts } from "../plan/demoHosts.js";
import type { PlannedPage } from "../plan/demoPlan.js";
import { hostOrigin } from "../plan/imageUrl.js";
import { escapeHtml } from "./escapeHtml.js";

/** A host's front page: a list of its pages; the portal lists the hosts. */
export function homeHtml(host: DemoHost, pages: readonly PlannedPage[], port: number): string {
  const links =
    host.role === "portal"
      ? demoHosts.map(({ number, name }) => [`${hostOrigin(number, port)}/`, name] as const)
      : pages.map((page) => [page.path, `Page ${page.id}`] as const);
  const items = links.map(([href, name]) => `<li><a href="${href}">${escapeHtml(name)}</a></li>`).join("\n");
  return (
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(host.name)}</title></head>` +
    `<body><h1>${escapeHtml(host.name)}</h1>\n<ul>\n${items}\n</ul></body></html>\n`
  );
}
