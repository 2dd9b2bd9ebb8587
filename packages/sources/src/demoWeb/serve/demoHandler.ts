import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { type DemoHost, demoHosts } from "../plan/demoHosts.js";
import type { DemoPlan, PlannedImage, PlannedPage } from "../plan/demoPlan.js";
import { answerImage } from "./answerImage.js";
import { demoSearch } from "./demoSearch.js";
import { homeHtml } from "./homeHtml.js";
import { answerPage } from "./answerPage.js";
import { pageHtml } from "./pageHtml.js";
import type { PictureFiles } from "./pictureFiles.js";
import { robotsTxt } from "./robotsTxt.js";
import { sitemapIndexXml, sitemapXml } from "./sitemapXml.js";

/** One request as the server saw it. */
export interface DemoRequest {
  host: string;
  path: string;
  kind: string;
  userAgent: string;
  /** performance.now() at arrival. */
  atMs: number;
}

export interface DemoHandlerOptions {
  plan: DemoPlan;
  files: PictureFiles;
  port: number;
  note: (request: DemoRequest) => void;
  closing: AbortSignal;
}

const slowMs = 300;

/** Finds out what is asked of which host and answers it. */
export function demoHandler(
  options: DemoHandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { plan, files, port, note, closing } = options;
  const images = new Map<string, PlannedImage>(
    plan.images.map((image) => [`${image.host}${image.path}`, image]),
  );
  const pages = new Map<string, PlannedPage>(plan.pages.map((page) => [`${page.host}${page.path}`, page]));
  const hosts = new Map<string, DemoHost>(demoHosts.map((host) => [`127.0.0.${host.number}`, host]));
  const pagesOf = new Map<number, PlannedPage[]>();
  for (const page of plan.pages) pagesOf.set(page.host, [...(pagesOf.get(page.host) ?? []), page]);
  const search = demoSearch(plan);

  return (request, response) => {
    const address = response.socket?.localAddress ?? "";
    const host = hosts.get(address);
    const url = new URL(request.url ?? "/", `http://${address}`);
    const text = (
      status: number,
      type: string,
      body: string | Buffer,
      headers: Record<string, string> = {},
    ) => {
      response.writeHead(status, {
        "content-type": type,
        "content-length": String(Buffer.byteLength(body)),
        ...headers,
      });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    const answer = route();
    note({
      host: address,
      path: request.url ?? "/",
      kind: answer.kind,
      userAgent: request.headers["user-agent"] ?? "",
      atMs: performance.now(),
    });
    const run = () => {
      Promise.resolve()
        .then(answer.run)
        .catch((error: unknown) => {
          if (!response.headersSent) text(500, "text/plain", `the demo web failed: ${String(error)}\n`);
        });
    };
    if (host?.role === "slow") setTimeout(run, slowMs);
    else run();

    function route(): { kind: string; run: () => void | Promise<void> } {
      const path = url.pathname;
      const missing = {
        kind: "not_found",
        run: () => text(404, "text/html; charset=utf-8", "<h1>Not found</h1>\n"),
      };
      if (host === undefined) return missing;
      const hop = /^\/hop\/(\d+)\/(\d+)(\/.*)$/.exec(path);
      const image = images.get(hop === null ? `${host.number}${path}` : `${hop[2]}${hop[3]}`);
      if (image !== undefined)
        return {
          kind: image.fate,
          run: () =>
            answerImage({
              image,
              response,
              files,
              port,
              width: Number(url.searchParams.get("w")) || null,
              hops: hop === null ? null : Number(hop[1]),
              every,
            }),
        };
      const moved = path.startsWith("/moved/");
      const page = pages.get(`${host.number}${moved ? path.slice("/moved".length) : path}`);
      const html = (page: PlannedPage) => pageHtml(plan, page, neighbours(page), port);
      if (page !== undefined)
        return {
          kind: "page",
          run: () => answerPage({ page, moved, response, text, html: () => html(page) }),
        };
      return fixed(host, path) ?? missing;
    }

    function fixed(host: DemoHost, path: string): { kind: string; run: () => void | Promise<void> } | null {
      const own = pagesOf.get(host.number) ?? [];
      const xml = "application/xml; charset=utf-8";
      if (path === "/robots.txt") {
        const { status, body } = robotsTxt(host, port);
        return { kind: "robots", run: () => text(status, "text/plain; charset=utf-8", body) };
      }
      if (path === "/search" && host.role === "portal")
        return { kind: "search", run: () => text(200, "application/json", JSON.stringify(searchAnswer())) };
      if (path === "/")
        return { kind: "home", run: () => text(200, "text/html; charset=utf-8", homeHtml(host, own, port)) };
      if (path === "/.well-known/tdmrep.json" && host.role === "reserved")
        return {
          kind: "tdmrep",
          run: () =>
            text(200, "application/json", JSON.stringify([{ location: "/reserved/", "tdm-reservation": 1 }])),
        };
      if (path.startsWith("/chrome/"))
        return {
          kind: "chrome",
          run: async () => {
            const { bytes, contentType } = await files.chrome(path.slice("/chrome/".length));
            text(200, contentType, bytes);
          },
        };
      if (path === "/sitemap.xml" && host.number % 2 === 1)
        return { kind: "sitemap", run: () => text(200, xml, sitemapXml(plan, own, port, true)) };
      if (host.number % 2 === 1) return null;
      const half = own.length >> 1;
      if (path === "/sitemap_index.xml")
        return {
          kind: "sitemap",
          run: () => text(200, xml, sitemapIndexXml(host.number, ["/maps/1.xml", "/maps/2.xml.gz"], port)),
        };
      if (path === "/maps/1.xml")
        return {
          kind: "sitemap",
          run: () => text(200, xml, sitemapXml(plan, own.slice(0, half), port, true)),
        };
      if (path === "/maps/2.xml.gz")
        return {
          kind: "sitemap",
          run: () => text(200, "application/gzip", gzipSync(sitemapXml(plan, own.slice(half), port, false))),
        };
      return null;
    }

    /** Links go round the host's pages and now and then to another host. */
    function neighbours(page: PlannedPage): PlannedPage[] {
      const own = pagesOf.get(page.host) ?? [];
      const at = own.indexOf(page);
      const others = [
        own[(at + 1) % own.length],
        own[(at + 7) % own.length],
        plan.pages[(page.id * 31 + 5) % plan.pages.length],
      ];
      return others.filter((other): other is PlannedPage => other !== undefined && other !== page);
    }

    function searchAnswer(): { results: unknown[]; total: number; next: string | null } {
      const number = (name: string, fallback: number) => {
        const value = Number(url.searchParams.get(name) ?? fallback);
        return Number.isInteger(value) && value >= 0 ? value : fallback;
      };
      const [offset, limit] = [number("offset", 0), Math.min(1000, Math.max(1, number("limit", 50)))];
      const q = url.searchParams.get("q") ?? "";
      const all = search.find(q, port);
      const end = offset + limit;
      const next =
        end < all.length ? `/search?q=${encodeURIComponent(q)}&offset=${end}&limit=${limit}` : null;
      return { results: all.slice(offset, end), total: all.length, next };
    }

    function every(ms: number, task: () => void): void {
      const timer = setInterval(task, ms);
      const stop = () => {
        clearInterval(timer);
        closing.removeEventListener("abort", stop);
      };
      response.once("close", stop);
      closing.addEventListener("abort", stop);
    }
  };
}
