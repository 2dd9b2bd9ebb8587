// The soak's web on every loopback address, in a process of its own. What it does with a request follows from the first
// part of the path (fates.mjs). Sends its ports; at any message, what it saw of each host; ends with its parent.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createPort } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { wrongHosts } from "./fates.mjs";

const gapMs = Number(process.argv[2]);
const pictures = await Promise.all(
  Array.from({ length: 12 }, (_, i) => {
    const side = 64 + 12 * i;
    const noise = { type: "gaussian", mean: 120, sigma: 30 };
    const picture = sharp({ create: { width: side, height: 200 - 8 * i, channels: 3, noise } });
    return (i % 4 === 3 ? picture.png() : picture.jpeg()).toBuffer();
  }),
);
const bomb = gzipSync(Buffer.alloc(50_000_000));
const page = "<!doctype html>\n<title>Not here</title>\n<pre>\nUser-agent: *\nDisallow: /\n</pre>\n";

/** host → requests, pictures asked for, the last one, the shortest time between two, and how many were too short */
const hosts = new Map();
/** The last three turns of the event loop, the oldest first: in one a connection is taken, in the next its bytes are. */
let turnsMs = [0, 0, 0];
setInterval(() => (turnsMs = [...turnsMs.slice(1), performance.now()]), 1);

/** A request may have come before it was read: at the earliest in the turn before that in which its connection was taken. */
function see(host, path, isPicture) {
  const atMs = performance.now();
  const [earliestMs] = turnsMs;
  const seen = hosts.get(host) ?? { requests: 0, pictures: 0, shortestMs: Infinity, tooClose: 0 };
  hosts.set(host, seen);
  if (seen.requests > 0) {
    const betweenMs = atMs - seen.earliestMs;
    if (betweenMs < seen.shortestMs) {
      seen.shortestMs = betweenMs;
      seen.closest = `${seen.path} at ${seen.atMs}, ${path} at ${atMs}`;
    }
    if (betweenMs < gapMs) seen.tooClose++;
  }
  seen.requests++;
  if (isPicture) seen.pictures++;
  Object.assign(seen, { path, atMs, earliestMs });
}

const asked = new Set();
const show = (response, n) => response.end(pictures[n % pictures.length]);
const jpeg = (n) => pictures[(n % 2) * 4];
const fail = (response, status, headers = {}) => response.writeHead(status, headers).end();
const kinds = {
  ok: show,
  moved: (response, n) => fail(response, 301, { location: `/ok/${n}.jpg` }),
  flaky(response, n) {
    // Asked a second time, it has served its turn.
    if (asked.delete(n)) return show(response, n);
    asked.add(n);
    fail(response, 503, { "retry-after": "1" });
  },
  404: (response) => fail(response, 404),
  403: (response) => fail(response, 403),
  410: (response) => fail(response, 410),
  429: (response) => fail(response, 429, { "retry-after": "1" }),
  503: (response) => fail(response, 503, { "retry-after": "1" }),
  500: (response) => fail(response, 500),
  hang: () => undefined,
  drip(response) {
    response.writeHead(200);
    const timer = setInterval(() => response.write("."), 200);
    response.on("close", () => clearInterval(timer));
  },
  reset: (response) => response.socket.resetAndDestroy(),
  broken(response) {
    response.writeHead(200, { "content-length": 90_000 });
    response.write(jpeg(0), () => response.socket.resetAndDestroy());
  },
  short(response, n) {
    response.writeHead(200, { "content-length": 90_000 });
    response.write(jpeg(n), () => response.socket.end());
  },
  cut: (response, n) => response.end(jpeg(n).subarray(0, jpeg(n).length / 2)),
  html: (response) => response.setHeader("content-type", "text/html").end("<html>gone</html>"),
  empty: (response) => response.end(),
  loop: (response, n) => fail(response, 302, { location: `/loop/${n}.jpg` }),
  inside: (response) => fail(response, 302, { location: "http://10.0.0.1/a.jpg" }),
  large: (response) => response.writeHead(200, { "content-length": 30_000_000 }).write("x"),
  noai: (response, n) => show(response.setHeader("x-robots-tag", "noai"), n),
  bomb: (response) => response.setHeader("content-encoding", "gzip").end(bomb),
};

const server = createServer((request, response) => {
  const host = request.headers.host.replace(/:\d+$/, "");
  const [, kind, file] = request.url.split("/");
  see(host, request.url, Object.hasOwn(kinds, kind));
  if (host.startsWith(wrongHosts.silent.address)) return;
  if (kind === "robots.txt") response.end("User-agent: *\nDisallow: /forbidden/\n");
  // Half of the hosts answer what they don't know with 200 and a page.
  else if (!Object.hasOwn(kinds, kind) && /[02468]\.1$/.test(host))
    response.setHeader("content-type", "text/html").end(page);
  else if (!Object.hasOwn(kinds, kind)) fail(response, 404);
  else kinds[kind](response, parseInt(file, 10));
});
server.on("connection", (socket) => socket.on("error", () => undefined));
const certificates = join(import.meta.dirname, "../../../packages/web/test/certificates");
const secure = createSecureServer({
  key: readFileSync(join(certificates, "key.pem")),
  cert: readFileSync(join(certificates, "selfSigned.pem")),
});
const listening = (one) =>
  new Promise((resolve) => one.listen(0, "0.0.0.0", 4096, () => resolve(one.address().port)));
const ports = { port: await listening(server), securePort: await listening(secure) };
const closing = createPort();
ports.closedPort = await listening(closing);
await new Promise((resolve) => closing.close(resolve));
process.send(ports);
process.on("message", () => process.send([...hosts]));
process.on("disconnect", () => process.exit());
