import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";

/** Bytes that are written before the connection is closed, or what writes them. */
export type RawRoute = Buffer | string | ((socket: Socket) => void);

export interface RawServer {
  port: number;
  asked: { path: string; head: string; atMs: number; connection: number | undefined }[];
  url(path: string): string;
  close(): Promise<void>;
}

/** A server that answers with bytes as they stand; strings are Latin-1. What it has no route for is 404. */
export async function rawServer(
  routes: Record<string, RawRoute>,
  tls: { key: string; cert: string } | null = null,
): Promise<RawServer> {
  const asked: RawServer["asked"] = [];
  const sockets = new Set<Socket>();
  const serve = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
    let held = "";
    socket.on("data", (data) => {
      held += data.toString("latin1");
      if (!held.includes("\r\n\r\n")) return;
      const path = held.split(" ")[1] ?? "";
      asked.push({ path, head: held, atMs: performance.now(), connection: socket.remotePort });
      held = "";
      const route =
        routes[path] ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
      if (typeof route === "function") route(socket);
      else socket.end(typeof route === "string" ? Buffer.from(route, "latin1") : route);
    });
  };
  const server: Server = tls === null ? createServer(serve) : createTlsServer(tls, serve);
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    asked,
    url: (path) => `${tls === null ? "http" : "https"}://127.0.0.1:${port}${path}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
