import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { UserError } from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { checkAccess } from "./access.js";
import type { MonitorActions } from "./actions.js";
import { createMonitorApp } from "./monitorApp.js";

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

/** A request's head comes within seconds; a body of 64 MB may take its time, and `readBody` ends one that hardly comes. */
const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};

/** Serves the API, the dashboard and bull-board. @throws UserError for a port in use or a missing token */
export async function startMonitor(
  actions: MonitorActions,
  road: Road,
  options: MonitorOptions,
): Promise<Monitor> {
  checkAccess(options.host, options.token);
  const answer = getRequestListener(createMonitorApp(actions, road, options.token).fetch);
  const server = createServer(timeouts, (request, response) => {
    if (hostsOf(request) === 1) return void answer(request, response);
    response.writeHead(400, { connection: "close" }).end();
  });
  return listen(server, options);
}

/** How many hosts a request names: with two, what is checked and what a proxy before this one used could differ. */
function hostsOf({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host").length;
}

async function listen(server: Server, { host, port }: MonitorOptions): Promise<Monitor> {
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
