import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import sharp from "sharp";

export interface PictureServer {
  /** "http://127.0.0.1:PORT" */
  origin: string;
  /** Paths that were asked for. */
  asked: string[];
  /** Paths that don't fail any more. */
  mended: Set<string>;
  close(): Promise<void>;
}

const siteFiles = new Set(["/robots.txt", "/ai.txt", "/.well-known/tdmrep.json"]);

/** Serves /ok/N pictures of N + 40 by 40 pixels, and failures by name: /404, /503, /html, /cut, /small, /noai. */
export async function pictureServer(): Promise<PictureServer> {
  const asked: string[] = [];
  const mended = new Set<string>();
  const picture = (width: number) =>
    sharp({ create: { width, height: 40, channels: 3, background: { r: width % 256, g: 80, b: 9 } } })
      .jpeg()
      .toBuffer();
  const server: Server = createServer((request, response) => {
    const path = request.url ?? "";
    if (!siteFiles.has(path)) asked.push(path);
    void (async () => {
      const number = Number(/\d+$/.exec(path)?.[0] ?? 0);
      if (path.startsWith("/ok/") || mended.has(path))
        return response.end(await picture(40 + (number % 200)));
      if (path.startsWith("/html")) return response.end("<html>");
      if (path.startsWith("/cut")) {
        const whole = await picture(900);
        return response.end(whole.subarray(0, whole.length - 60));
      }
      if (path.startsWith("/small")) return response.end(await picture(5));
      if (path.startsWith("/noai")) return response.setHeader("X-Robots-Tag", "noai").end(await picture(50));
      if (path.startsWith("/503")) return response.writeHead(503, { "retry-after": "0" }).end();
      return response.writeHead(404).end();
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    mended,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
