// A server of raw sockets on every loopback address, one misbehaviour a route, in a process of its own so that its work
// doesn't count as the client's. Prints its port; ends with its parent. Hosts 127.0.9.x have hostile site files.
import { createServer } from "node:net";
import { brotliCompressSync, constants, createGzip, deflateRawSync, deflateSync, gzipSync } from "node:zlib";

const zeros = Buffer.alloc(30_000_000);
const bombs = {
  gzip: gzipSync(zeros),
  deflate: deflateSync(zeros),
  raw: deflateRawSync(zeros),
  br: brotliCompressSync(zeros, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
};
const picture = "these bytes pass for a picture";
const head = (lines, status = "200 OK") =>
  `HTTP/1.1 ${status}\r\n${lines.map((l) => `${l}\r\n`).join("")}\r\n`;
const sized = (body, ...lines) =>
  Buffer.concat([Buffer.from(head([`Content-Length: ${body.length}`, ...lines])), Buffer.from(body)]);
const chunked = (text) => head(["Transfer-Encoding: chunked"]) + text;
const to = (location) => head([`Location: ${location}`, "Content-Length: 0"], "302 Found");

/** Writes `piece` again and again, as fast as it is taken. */
const pour = (socket, first, piece) => {
  const more = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", more);
  socket.write(first);
  more();
};
/** Writes one piece every 20 ms. */
const drip = (socket, first, piece) => {
  socket.write(first);
  const timer = setInterval(() => socket.write(piece), 20);
  socket.on("close", () => clearInterval(timer));
};
const endlessGzip = (socket) => {
  socket.write(head(["Content-Encoding: gzip", "Connection: close"]));
  const gzip = createGzip({ level: 1 });
  gzip.pipe(socket);
  // Not as fast as it is taken: the cap on wire bytes is not what is to end it.
  const timer = setInterval(() => gzip.write(zeros.subarray(0, 1_000_000)), 20);
  socket.on("close", () => {
    clearInterval(timer);
    gzip.destroy();
  });
};

const routes = {
  "/ok": (s) => s.end(sized(picture)),
  // framing
  "/reset-mid-body": (s) => s.write(head(["Content-Length: 90000"]) + "half", () => s.resetAndDestroy()),
  "/body-too-short": (s) => s.end(head(["Content-Length: 1000"]) + "half"),
  "/body-too-long": (s) => s.end(head(["Content-Length: 4", "Connection: close"]) + picture),
  "/length-negative": (s) => s.end(head(["Content-Length: -5"]) + picture),
  "/length-no-number": (s) => s.end(head(["Content-Length: many"]) + picture),
  "/length-beyond-2^64": (s) => s.end(head([`Content-Length: ${"9".repeat(30)}`]) + picture),
  "/length-twice": (s) => s.end(head(["Content-Length: 5", "Content-Length: 6"]) + picture),
  "/length-and-chunked": (s) =>
    s.end(head(["Content-Length: 5", "Transfer-Encoding: chunked"]) + "5\r\nhello"),
  "/chunk-size-garbage": (s) => s.end(chunked("zz\r\nhello\r\n0\r\n\r\n")),
  "/chunk-size-huge": (s) => s.end(chunked("FFFFFFFFFFFFFFFFF\r\nhello")),
  "/chunk-without-end": (s) => s.end(chunked("5\r\nhello\r\n")),
  "/chunk-longer-than-said": (s) => s.end(chunked("2\r\nhello\r\n0\r\n\r\n")),
  // heads
  "/http-0.9": (s) => s.end("<html>hello</html>"),
  "/ssh": (s) => s.end("SSH-2.0-OpenSSH_9.2p1\r\n"),
  "/status-line-garbage": (s) => s.end("HTTP/1.1 abc\r\n\r\n"),
  "/nothing": (s) => s.end(),
  "/reset": (s) => s.resetAndDestroy(),
  "/header-nul": (s) => s.end("HTTP/1.1 200 OK\r\nx\0y: z\r\nContent-Length: 1\r\n\r\nx"),
  "/header-without-colon": (s) => s.end("HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 1\r\n\r\nx"),
  "/headers-many": (s) => s.end(head(Array.from({ length: 4000 }, (_, i) => `x-${i}: y`)) + picture),
  "/header-flood": (s) => s.end(head(Array.from({ length: 6000 }, (_, i) => `x-${i}: y`)) + picture),
  "/header-endless": (s) => pour(s, "HTTP/1.1 200 OK\r\nx: ", "y".repeat(4096)),
  "/headers-endless": (s) => pour(s, "HTTP/1.1 200 OK\r\n", "x: y\r\n".repeat(500)),
  "/interim-endless": (s) => pour(s, "", head([], "103 Early Hints")),
  "/interim-then-header-flood": (s) =>
    s.end(
      head(["content-length: 9"], "103 Early Hints") +
        head(Array.from({ length: 6000 }, (_, i) => `x-${i}: y`)),
    ),
  "/continue-endless": (s) => pour(s, "", head([], "100 Continue")),
  "/upgrade": (s) => s.write(head(["Connection: upgrade", "Upgrade: websocket"], "101 Switching Protocols")),
  "/status-999": (s) => s.end(head(["Content-Length: 0"], "999 Request denied")),
  // endless and slow
  "/hang": () => undefined,
  "/drip-status": (s) => drip(s, "HTTP/1.1 200 ", "O"),
  "/drip-header": (s) => drip(s, "HTTP/1.1 200 OK\r\n", "x: y\r\n"),
  "/drip-body": (s) => drip(s, head(["Content-Length: 100000"]), "."),
  "/drip-chunks": (s) => drip(s, chunked(""), "1\r\n.\r\n"),
  "/body-endless": (s) => pour(s, head(["Connection: close"]), zeros.subarray(0, 65536)),
  "/chunks-endless": (s) => pour(s, chunked(""), `4000\r\n${"x".repeat(0x4000)}\r\n`),
  "/chunk-extension-endless": (s) => pour(s, chunked("5;x="), "y".repeat(16384)),
  "/trailers-endless": (s) => pour(s, chunked("1\r\nx\r\n0\r\n"), "x-trailer: y\r\n".repeat(500)),
  "/length-announced-huge": (s) => s.write(head(["Content-Length: 99999999999"]) + "x"),
  // codings
  "/bomb-gzip": (s) => s.end(sized(bombs.gzip, "Content-Encoding: gzip")),
  "/bomb-deflate": (s) => s.end(sized(bombs.deflate, "Content-Encoding: deflate")),
  "/bomb-deflate-raw": (s) => s.end(sized(bombs.raw, "Content-Encoding: deflate")),
  "/bomb-br": (s) => s.end(sized(bombs.br, "Content-Encoding: br")),
  "/bomb-in-bomb": (s) => s.end(sized(gzipSync(bombs.gzip), "Content-Encoding: gzip, gzip")),
  "/bomb-endless": endlessGzip,
  "/coding-compress": (s) => s.end(sized("\x1f\x9d", "Content-Encoding: compress")),
  "/coding-four": (s) => s.end(sized("x", "Content-Encoding: gzip, gzip, gzip, gzip")),
  "/gzip-that-is-none": (s) => s.end(sized(picture, "Content-Encoding: gzip")),
  "/gzip-without-trailer": (s) =>
    s.end(sized(gzipSync(Buffer.from(picture)).subarray(0, -8), "Content-Encoding: gzip")),
  "/br-that-is-none": (s) => s.end(sized(picture, "Content-Encoding: br")),
  // redirects
  "/to-itself": (s) => s.end(to("/to-itself")),
  "/to-a-loop": (s) => s.end(to("/to-a-loop-2")),
  "/to-a-loop-2": (s) => s.end(to("/to-a-loop")),
  "/to-metadata": (s) => s.end(to("http://169.254.169.254/latest/meta-data/")),
  "/to-decimal": (s) => s.end(to("http://2852039166/")),
  "/to-octal": (s) => s.end(to("http://0251.0376.0251.0376/")),
  "/to-hex": (s) => s.end(to("http://0xa9.0xfe.0xa9.0xfe/")),
  "/to-short-form": (s) => s.end(to("http://10.1/")),
  "/to-mapped": (s) => s.end(to("http://[::ffff:169.254.169.254]/")),
  "/to-compatible": (s) => s.end(to("http://[::10.0.0.1]/")),
  "/to-nat64": (s) => s.end(to("http://[64:ff9b::169.254.169.254]/")),
  "/to-other-scheme-host": (s) => s.end(to("//10.0.0.1/x")),
  "/to-localhost-6": (s) => s.end(to("http://[::1]/")),
  "/to-file": (s) => s.end(to("file:///etc/passwd")),
  "/to-data": (s) => s.end(to("data:image/gif;base64,R0lGODlhAQABAAAAACw=")),
  "/to-gopher": (s) => s.end(to("gopher://127.0.0.1:6379/_FLUSHALL")),
  "/to-login": (s) => s.end(to("http://user:secret@127.0.0.1/")),
  "/to-nonsense": (s) => s.end(to("http://[")),
  "/to-zone": (s) => s.end(to("http://[fe80::1%25eth0]/")),
  "/to-long": (s) => s.end(to(`/${"x".repeat(9000)}`)),
  "/to-nowhere": (s) => s.end(to("")),
};

const many = (line, bytes) => `User-agent: *\n${line.repeat(bytes / line.length)}\n`;
const forbidding = "User-agent: *\nDisallow: /\n";
const reserving = JSON.stringify([{ location: "/", "tdm-reservation": 1 }]);
/** What sites answer to any path they don't know: its lines are no rules. */
const notFoundPage = `<!doctype html>\n<title>Not found</title>\n<pre>\n${forbidding}</pre>\n`;
const appPage = `<!-- built -->\n<script type="module" src="/app.js"></script>\n${forbidding}`;
const typed = (body, type) => (s) =>
  s.end(type === null ? sized(body) : sized(body, `Content-Type: ${type}`));
/** host → path → answer */
const siteFiles = {
  "127.0.9.1": { "/robots.txt": (s) => s.end(sized(many("Disallow: /x*y\n", 500_000))) },
  "127.0.9.2": {
    "/robots.txt": (s) => s.end(sized(many("Disallow: /" + "*a".repeat(60) + "b$\n", 500_000))),
  },
  "127.0.9.3": { "/robots.txt": (s) => s.end(sized(many(`Disallow: /*${"a".repeat(2000)}b\n`, 500_000))) },
  "127.0.9.4": {
    "/robots.txt": (s) => s.end(sized(gzipSync(many("#\n", 25_000_000)), "Content-Encoding: gzip")),
  },
  "127.0.9.5": { "/robots.txt": (s) => pour(s, head(["Connection: close"]), "# more\n".repeat(1000)) },
  "127.0.9.6": { "/robots.txt": (s) => drip(s, head(["Connection: close"]), "#") },
  "127.0.9.7": { "/robots.txt": (s) => s.end(to("http://10.0.0.1/robots.txt")) },
  "127.0.9.8": { "/robots.txt": (s) => s.end(to("/robots.txt")) },
  "127.0.9.9": { "/robots.txt": (s) => s.end("garbage") },
  "127.0.9.10": { "/.well-known/tdmrep.json": (s) => s.end(sized("[".repeat(250_000))) },
  "127.0.9.11": {
    "/.well-known/tdmrep.json": (s) =>
      s.end(sized(JSON.stringify(Array(5000).fill({ location: "/*a*b", "tdm-reservation": 1 })))),
  },
  "127.0.9.12": { "/ai.txt": (s) => s.end(sized(many("Disallow: *.x*\n", 500_000))) },
  "127.0.9.13": {
    "/robots.txt": (s) => s.end(sized(`User-agent: *\nDisallow: /${"%41".repeat(160_000)}\n`)),
  },
  "127.0.9.14": { "/robots.txt": (s) => s.end(sized(many("Allow:*a?\n", 500_000))) },
  // pages in place of site files, and site files by other types than theirs
  "127.0.9.15": {
    "/robots.txt": typed(notFoundPage.replace(forbidding, ""), "text/html"),
    "/ai.txt": typed(notFoundPage, "text/html; charset=utf-8"),
    "/.well-known/tdmrep.json": typed(notFoundPage, "text/html"),
  },
  "127.0.9.16": { "/ai.txt": typed(appPage, "text/plain") },
  "127.0.9.17": { "/ai.txt": typed(forbidding, "text/html") },
  "127.0.9.18": { "/ai.txt": typed(forbidding, "text/plain; charset=utf-8") },
  "127.0.9.19": { "/ai.txt": typed(forbidding, "application/octet-stream") },
  "127.0.9.20": { "/ai.txt": typed(forbidding, null) },
  "127.0.9.21": { "/.well-known/tdmrep.json": typed(reserving, "text/html") },
  "127.0.9.22": { "/.well-known/tdmrep.json": typed(reserving, "text/plain") },
  "127.0.9.23": { "/.well-known/tdmrep.json": typed(notFoundPage, "application/json") },
};

const server = createServer((socket) => {
  socket.on("error", () => undefined);
  let asked = "";
  socket.on("data", (data) => {
    asked += data.toString("latin1");
    if (!asked.includes("\r\n\r\n")) return;
    const path = /^GET (\S+)/.exec(asked)?.[1] ?? "";
    const host = /\r\nhost: ([\d.]+)/i.exec(asked)?.[1] ?? "";
    asked = "";
    const hop = /^\/chain\/(\d+)$/.exec(path)?.[1];
    if (hop !== undefined) return socket.end(to(`/chain/${Number(hop) + 1}`));
    const answer = siteFiles[host]?.[path] ?? routes[path.split("?")[0]];
    if (answer === undefined) socket.end(head(["Content-Length: 0"], "404 Not Found"));
    else answer(socket);
  });
});
server.listen(0, "0.0.0.0", () => process.send?.(server.address().port));
process.on("disconnect", () => process.exit());
