import type { IncomingMessage, ServerResponse } from "node:http";
import { demoHosts } from "./plan/demoHosts.js";
import type { DemoPlan } from "./plan/demoPlan.js";
import { hostOrigin } from "./plan/imageUrl.js";
import { type DemoPageRoute, demoPageRoutes, type DemoRoute, demoRoutes } from "./plan/demoRoutes.js";
import { planDemoWeb } from "./plan/planDemoWeb.js";
import { demoHandler, type DemoRequest } from "./serve/demoHandler.js";
import { listenEverywhere } from "./serve/listenEverywhere.js";
import { PictureFiles } from "./serve/pictureFiles.js";

export interface DemoWebOptions {
  seed: number;
  /** Multiplies every count; 1 is some 7,000 image–page pairs. */
  scale?: number;
  /** Default 0: a free one. A fixed port makes the same URLs in every run. */
  port?: number;
  /** Called for each request that comes in. */
  onRequest?: (request: DemoRequest) => void;
}

export interface DemoWebStats {
  requests: number;
  bytes: number;
  rendered: number;
  /** Requests by host address. */
  byHost: Record<string, number>;
  /** Requests by what was asked: an image fate, "page", "search", "robots", "sitemap" … */
  byKind: Record<string, number>;
}

export interface DemoWeb {
  port: number;
  /** "127.0.0.1" … */
  hosts: string[];
  /** Template for a search source: {query}, {offset} and {limit}. */
  searchUrl: string;
  /** Start pages of hosts that can be crawled as sites. */
  sites: { name: string; url: string }[];
  plan: DemoPlan;
  /** Every image URL with its fate and what should become of it. */
  routes(): DemoRoute[];
  /** Every page that the search API knows. */
  pageRoutes(): DemoPageRoute[];
  stats(): DemoWebStats;
  /** Ends every connection, also those that never get an answer. */
  close(): Promise<void>;
}

/**
 * Serves the demo web on loopback addresses. The caller closes it. Draws with sharp from SVG, so not for a process that
 * has switched SVG off to read pictures of strangers: see `forkDemoWeb`.
 * @throws UserError where a port or an address cannot be had
 */
export async function startDemoWeb({
  seed,
  scale = 1,
  port = 0,
  onRequest,
}: DemoWebOptions): Promise<DemoWeb> {
  const plan = planDemoWeb(seed, scale);
  const files = new PictureFiles(seed);
  await files.chrome("logo.png"); // fails here and now where this process's sharp may not read SVG
  const counts: DemoWebStats = { requests: 0, bytes: 0, rendered: 0, byHost: {}, byKind: {} };
  const note = (request: DemoRequest) => {
    counts.requests++;
    counts.byHost[request.host] = (counts.byHost[request.host] ?? 0) + 1;
    counts.byKind[request.kind] = (counts.byKind[request.kind] ?? 0) + 1;
    onRequest?.(request);
  };
  const closing = new AbortController();
  let handler: ((request: IncomingMessage, response: ServerResponse) => void) | null = null;
  const hosts = demoHosts.map(({ number }) => `127.0.0.${number}`);
  const listening = await listenEverywhere(hosts, port, (request, response) => {
    response.sendDate = false;
    const socket = response.socket;
    const before = socket?.bytesWritten ?? 0;
    response.on("close", () => (counts.bytes += (socket?.bytesWritten ?? 0) - before));
    handler?.(request, response);
  });
  handler = demoHandler({ plan, files, port: listening.port, note, closing: closing.signal });

  const origin = (host: number) => hostOrigin(host, listening.port);
  return {
    port: listening.port,
    hosts,
    searchUrl: `${origin(1)}/search?q={query}&offset={offset}&limit={limit}`,
    sites: demoHosts
      .filter(({ role }) => role === "site" || role === "calm" || role === "slow")
      .map(({ name, number }) => ({ name, url: `${origin(number)}/` })),
    plan,
    routes: () => demoRoutes(plan, listening.port),
    pageRoutes: () => demoPageRoutes(plan, listening.port),
    stats: () => ({ ...structuredClone(counts), rendered: files.rendered }),
    async close() {
      closing.abort();
      await listening.close();
    },
  };
}
