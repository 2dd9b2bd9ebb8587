// Imported into the process under test: appends to the file that PROCESS_LOG names, as JSON lines, every two seconds, its
// memory after a collection and, so far, the shortest time between two requests to a host as they were written.
import { appendFileSync } from "node:fs";
import { subscribe } from "node:diagnostics_channel";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** host → when its last request was written */
const written = new Map();
let shortestMs = Infinity;
subscribe("undici:client:sendHeaders", ({ request }) => {
  const { hostname } = new URL(request.origin);
  const atMs = performance.now();
  shortestMs = Math.min(shortestMs, atMs - (written.get(hostname) ?? -Infinity));
  written.set(hostname, atMs);
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
setInterval(() => {
  collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  const line = { rss, held: heapUsed + external, hosts: written.size, shortestMs };
  appendFileSync(process.env.PROCESS_LOG, `${JSON.stringify(line)}\n`);
}, 2000).unref();
