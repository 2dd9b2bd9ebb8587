// A server on every loopback address, in a process of its own, that writes down when each request came. Prints its port;
// at any message it answers with its log; ends with its parent. By the first part of a path:
//   /ok/N a picture; /to/N a redirect to it; /again/N 500 at first, then the picture; /cut/N ends the connection without
//   an answer at first; anything else is 404. /later/N is 503 with Retry-After: 1 at first.
// `lateMs` bounds how long before `atMs` a request may have come: how long this process did other things, or was kept from running.
import { createServer } from "node:http";

const picture = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC",
  "base64",
);
const log = [];
const timesAsked = new Map();
/** The last three turns of the event loop, the oldest first: in one a connection is taken, in the next its bytes are. */
let turnsMs = [0, 0, 0].fill(performance.now());
setInterval(() => (turnsMs = [...turnsMs.slice(1), performance.now()]), 1);

const server = createServer((request, response) => {
  const atMs = performance.now();
  const path = request.url ?? "";
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  log.push({ host, address: request.socket.localAddress, path, atMs, lateMs: atMs - turnsMs[0] });
  const [, kind, number] = path.split("/");
  const times = (timesAsked.get(host + path) ?? 0) + 1;
  timesAsked.set(host + path, times);
  const show = () => response.writeHead(200, { "content-type": "image/png" }).end(picture);
  if (kind === "ok") show();
  else if (kind === "to") response.writeHead(302, { location: `/ok/${number}` }).end();
  else if (kind === "again") times === 1 ? response.writeHead(500).end() : show();
  else if (kind === "later") times === 1 ? response.writeHead(503, { "retry-after": "1" }).end() : show();
  else if (kind === "cut") times === 1 ? response.socket.destroy() : show();
  else response.writeHead(404).end();
});
server.listen(0, "0.0.0.0", () => process.send?.(server.address().port));
process.on("message", () => process.send?.(log));
process.on("disconnect", () => process.exit());
