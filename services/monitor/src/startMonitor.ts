import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { getRequestListener } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { UserError } from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { Hono } from "hono";
import { checkAccess, guardAccess } from "./access.js";
import type { MonitorActions } from "./actions.js";
import { createApi } from "./api.js";
import { guardForgotten } from "./guardForgotten.js";

export interface MonitorOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Required from every caller; null is allowed on loopback alone. */
  token: string | null;
}

export interface Monitor {
  url: string;
  close(): Promise<void>;
}

const assetTypes: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Libraries that the dashboard's import map names, by the path they are served at. */
const vendorModules: Record<string, string> = {
  "preact.js": import.meta.resolve("preact"),
  "preact-hooks.js": import.meta.resolve("preact/hooks"),
  "preact-jsx-runtime.js": import.meta.resolve("preact/jsx-runtime"),
  "uplot.js": new URL("./uPlot.esm.js", import.meta.resolve("uplot")).href,
  "uplot.css": new URL("./uPlot.min.css", import.meta.resolve("uplot")).href,
};

/** Serves the API, the dashboard and bull-board. @throws UserError for a port in use or a missing token */
export async function startMonitor(
  actions: MonitorActions,
  road: Road,
  options: MonitorOptions,
): Promise<Monitor> {
  checkAccess(options.host, options.token);
  const app = new Hono();
  app.use("*", guardAccess(options.token));
  app.route("/api", createApi(actions, road));
  app.use("/queues/*", guardForgotten(road));
  app.route("/queues", bullBoard(road));
  app.get("/vendor/:file", async (c) => {
    const url = vendorModules[c.req.param("file")];
    if (url === undefined) return c.notFound();
    return asset(await readFile(fileURLToPath(url)), extname(c.req.param("file")));
  });
  app.get("/assets/*", async (c) => {
    const name = normalize(c.req.path.slice("/assets/".length));
    if (name.startsWith("..")) return c.notFound();
    const built = fileURLToPath(new URL("../dist/dashboard/", import.meta.url));
    const still = fileURLToPath(new URL("../dashboard/public/", import.meta.url));
    for (const folder of [built, still]) {
      const body = await readFile(join(folder, name)).catch(() => null);
      if (body !== null) return asset(body, extname(name));
    }
    return c.notFound();
  });
  app.get("/", async () => {
    const page = fileURLToPath(new URL("../dashboard/public/index.html", import.meta.url));
    return asset(await readFile(page), ".html");
  });
  return listen(app, options);
}

function asset(body: Buffer, extension: string): Response {
  const type = assetTypes[extension] ?? "application/octet-stream";
  return new Response(new Uint8Array(body), {
    headers: { "content-type": type, "cache-control": "no-cache" },
  });
}

function bullBoard(road: Road): Hono {
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath("/queues");
  createBullBoard({
    queues: Object.values(road.queues).map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
  });
  return adapter.registerPlugin();
}

async function listen(app: Hono, { host, port }: MonitorOptions): Promise<Monitor> {
  const answer = getRequestListener(app.fetch);
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EADDRINUSE" && cause.code !== "EACCES" && cause.code !== "EADDRNOTAVAIL")
        return reject(cause);
      reject(
        new UserError("port_in_use", `The dashboard can't listen on ${host}:${port} (${cause.code})`, {
          hint: "Choose another with --port (0 takes any free one), or --no-dashboard.",
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  const shown = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shown}:${bound.port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
