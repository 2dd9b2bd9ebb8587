import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

/** What a host was asked: path and when, in ms. */
export interface Asked {
  path: string;
  host: string;
  atMs: number;
  headers: IncomingMessage["headers"];
  /** The client's port: one for each connection. */
  connection: number | undefined;
  /** The address of ours that it came to. */
  reachedAt: string | undefined;
}

export interface MisbehavingServer {
  port: number;
  asked: Asked[];
  url(path: string, host?: string): string;
  /** Replaces or adds a route. */
  on(path: string, answer: (req: IncomingMessage, res: ServerResponse) => void): void;
  paths(): string[];
  close(): Promise<void>;
}

const body = Buffer.from("these bytes pass for a picture");
export const pictureBytes = body;

const send = (
  res: ServerResponse,
  status: number,
  headers: Record<string, string | string[]>,
  data: Buffer | string,
) => void res.writeHead(status, headers).end(data);
const image = { "content-type": "image/jpeg" };
const zeros = Buffer.alloc(5_000_000);
const gzipBomb = gzipSync(zeros);
const brotliBomb = brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } });

const routes: Record<string, (req: IncomingMessage, res: ServerResponse) => void> = {
  "/ok.jpg": (_q, res) => send(res, 200, image, body),
  "/empty.jpg": (_q, res) => send(res, 200, image, ""),
  "/nocontent": (_q, res) => void res.writeHead(204).end(),
  "/hang": () => undefined,
  "/drip": (_q, res) => {
    res.writeHead(200, image);
    const drip = setInterval(() => res.write("."), 20);
    res.on("close", () => clearInterval(drip));
  },
  "/drip-headers": (_q, res) => {
    const drip = setInterval(() => res.socket?.write("x-slow: 1\r\n"), 20);
    res.socket?.write("HTTP/1.1 200 OK\r\n");
    res.on("close", () => clearInterval(drip));
  },
  "/declared-huge": (_q, res) =>
    void res.writeHead(200, { ...image, "content-length": "99999999" }).write("x"),
  "/endless": (_q, res) => {
    res.writeHead(200, image);
    const pour = () => {
      while (!res.destroyed && res.write(Buffer.alloc(65536)));
    };
    res.on("drain", pour);
    pour();
  },
  "/huge-header": (_q, res) => send(res, 200, { ...image, "x-big": "y".repeat(300_000) }, body),
  "/gzip": (_q, res) => send(res, 200, { ...image, "content-encoding": "gzip" }, gzipSync(body)),
  "/x-gzip": (_q, res) => send(res, 200, { ...image, "content-encoding": "X-GZIP" }, gzipSync(body)),
  "/br": (_q, res) => send(res, 200, { ...image, "content-encoding": "br" }, brotliCompressSync(body)),
  "/deflate": (_q, res) => send(res, 200, { ...image, "content-encoding": "deflate" }, deflateSync(body)),
  "/deflate-raw": (_q, res) =>
    send(res, 200, { ...image, "content-encoding": "deflate" }, deflateRawSync(body)),
  "/twice": (_q, res) =>
    send(res, 200, { ...image, "content-encoding": "gzip, br" }, brotliCompressSync(gzipSync(body))),
  "/gzip-bomb": (_q, res) => send(res, 200, { ...image, "content-encoding": "gzip" }, gzipBomb),
  "/br-bomb": (_q, res) => send(res, 200, { ...image, "content-encoding": "br" }, brotliBomb),
  "/gzip-broken": (_q, res) => send(res, 200, { ...image, "content-encoding": "gzip" }, "this is no gzip"),
  "/compress": (_q, res) => send(res, 200, { ...image, "content-encoding": "x-compress" }, body),
  "/reset": (_q, res) => void res.socket?.resetAndDestroy(),
  "/close": (_q, res) => void res.socket?.destroy(),
  "/cut": (_q, res) => {
    res.writeHead(200, { ...image, "content-length": "1000" });
    res.write("half of it", () => res.socket?.destroy());
  },
  "/not-http": (_q, res) => void res.socket?.end("SSH-2.0-OpenSSH_9.2p1\r\n"),
  "/loop": (_q, res) => send(res, 302, { location: "/loop2" }, ""),
  "/loop2": (_q, res) => send(res, 302, { location: "/loop" }, ""),
  "/no-location": (_q, res) => send(res, 302, {}, ""),
  "/to-ok": (_q, res) => send(res, 301, { location: "ok.jpg" }, ""),
  "/to-file": (_q, res) => send(res, 302, { location: "file:///etc/passwd" }, ""),
  "/to-metadata": (_q, res) => send(res, 302, { location: "http://169.254.169.254/latest/meta-data/" }, ""),
  "/to-decimal": (_q, res) => send(res, 302, { location: "http://2852039166/" }, ""),
  "/to-private-name": (_q, res) => send(res, 302, { location: "http://inside.test/" }, ""),
  "/to-login": (_q, res) => send(res, 302, { location: "http://user:secret@127.0.0.1/" }, ""),
};

/** A server on every loopback address that does one wrong thing a route; robots.txt and its like are 404 by default. */
export async function misbehavingServer(): Promise<MisbehavingServer> {
  const asked: Asked[] = [];
  const own = new Map(Object.entries(routes));
  const sockets = new Set<Socket>();
  const server: Server = createServer((req, res) => {
    const path = req.url ?? "";
    asked.push({
      path,
      host: req.headers.host ?? "",
      atMs: performance.now(),
      headers: req.headers,
      connection: req.socket.remotePort,
      reachedAt: req.socket.localAddress,
    });
    const status = /^\/status\/(\d+)$/.exec(path)?.[1];
    const hop = /^\/hop\/(\d+)$/.exec(path)?.[1];
    if (status !== undefined) send(res, Number(status), {}, "no");
    else if (hop !== undefined)
      send(res, 302, { location: hop === "0" ? "/ok.jpg" : `/hop/${Number(hop) - 1}` }, "");
    else (own.get(path) ?? ((_req, answer) => send(answer, 404, {}, "none")))(req, res);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "0.0.0.0");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    asked,
    url: (path, host = "127.0.0.1") => `http://${host}:${port}${path}`,
    on: (path, answer) => own.set(path, answer),
    paths: () => asked.map(({ path }) => path),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
