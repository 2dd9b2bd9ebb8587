import { connect } from "node:net";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Road } from "@pairloom/queue";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startMonitor, type Monitor } from "../src/startMonitor.js";
import { emptyProject, openTestRoad } from "./openTestRoad.js";

vi.setConfig({ testTimeout: 60_000 });

let opened: Awaited<ReturnType<typeof openTestRoad>>;
let road: Road;
let monitor: Monitor;
const seeded: unknown[] = [];
beforeAll(async () => {
  opened = await openTestRoad();
  road = opened.road;
  monitor = await startMonitor(emptyProject(road, seeded), road, { host: "127.0.0.1", port: 0, token: null });
}, 120_000);
afterAll(async () => {
  await monitor?.close();
  await opened?.close();
});

/** Sends pieces of a body until they are through, or the server has answered and hung up. */
async function send(
  path: string,
  pieces: Iterable<string> | AsyncIterable<string>,
  headers: Record<string, string | number> = {},
): Promise<{ status: number; sent: number }> {
  const { hostname, port } = new URL(monitor.url);
  const asked = request({
    hostname,
    port,
    path,
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
  });
  asked.on("error", () => undefined); // the server may hang up while we write
  const status = new Promise<number>((resolve, reject) => {
    asked.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on("close", () => reject(new Error("closed without an answer")));
  });
  let answered = false;
  status.then(
    () => (answered = true),
    () => (answered = true),
  );
  let sent = 0;
  for await (const piece of pieces) {
    if (answered) break;
    sent += piece.length;
    if (!asked.write(piece))
      await Promise.race([new Promise((resolve) => asked.once("drain", resolve)), status]);
  }
  if (!answered) asked.end();
  return { status: await status, sent };
}

/** What the server says to raw bytes, until it hangs up. */
function raw(text: string, limitMs = 30_000): Promise<{ head: string; ms: number }> {
  const { hostname, port } = new URL(monitor.url);
  const began = performance.now();
  return new Promise((resolve, reject) => {
    let head = "";
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.setTimeout(limitMs, () => socket.destroy(new Error(`still open after ${limitMs} ms: ${head}`)));
    socket.on("data", (chunk) => (head += String(chunk)));
    socket.on("error", reject);
    socket.on("close", () => resolve({ head: head.split("\r\n", 1)[0]!, ms: performance.now() - began }));
  });
}

function* repeated(piece: string, times: number) {
  for (let at = 0; at < times; at++) yield piece;
}

describe("bodies", () => {
  const mebibyte = "x".repeat(1 << 20);

  it.each([["/api/runs"], ["/api/releases"], ["/api/runs/run-0001/clone"]])(
    "%s: one above 1 MB is refused before it is read, whether its length is told or not",
    async (path) => {
      const told = await send(path, [], { "content-length": 100 << 20 });
      expect(told).toEqual({ status: 413, sent: 0 });
      const untold = await send(path, repeated(mebibyte, 100));
      expect(untold.status).toBe(413);
      expect(untold.sent).toBeLessThan(50 << 20);
    },
  );

  it("a query list may have 64 MB, and no more", async () => {
    const line = `${"q".repeat(1023)} `;
    const body = JSON.stringify({ queries: line.repeat(20 << 10) });
    expect((await send("/api/seed", [body])).status).toBe(202);
    expect((seeded.at(-1) as { queries: string }).queries).toHaveLength(20 << 20);
    expect((await send("/api/seed", [], { "content-length": (64 << 20) + 1 })).status).toBe(413);
  });

  it("one that comes a byte at a time is given up", async () => {
    const began = performance.now();
    const dripping = async function* () {
      for (let at = 0; at < 200; at++) {
        yield "x";
        await sleep(200);
      }
    };
    expect((await send("/api/runs", dripping())).status).toBe(408);
    expect(performance.now() - began).toBeLessThan(25_000);
  });

  it.each([
    ["text/plain", "{}", 415],
    ["", "{}", 415],
    ["application/x-www-form-urlencoded", "name=x", 415],
    ["application/json; charset=utf-8", "{", 400],
    ["application/json", "", 400],
    ["application/json", "[1", 400],
    ["application/json", '"text"', 400],
    ["application/json", "null", 400],
    ["application/json", `{"settings":${"[".repeat(5000)}${"]".repeat(5000)}}`, 400],
    ["application/json", '{"__proto__":{"release":"r"}}', 400],
    ["application/json", '{"constructor":1}', 400],
    ["application/json", '{"name":1}', 400],
  ])("content-type %j, body %j → %i", async (type, body, status) => {
    for (const path of ["/api/releases", "/api/seed"])
      expect((await send(path, [body], { "content-type": type })).status, path).toBe(status);
  });

  it("bytes that are no UTF-8 are no JSON", async () => {
    const body = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    const answer = await fetch(new URL("/api/releases", monitor.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(400);
  });
});

describe("requests", () => {
  it.each([
    ["GET", "/vendor/__proto__", 404],
    ["GET", "/vendor/constructor", 404],
    ["GET", "/vendor/..%2f..%2fpackage.json", 404],
    ["GET", "/assets/", 404],
    ["GET", "/assets/%00", 404],
    ["GET", "/assets/%2e%2e/%2e%2e/package.json", 404],
    ["GET", "/assets//etc/passwd", 404],
    ["GET", "/%", 404],
    ["GET", "/api/%E0%A4%A", 404],
    ["GET", "/api/nothing", 404],
    ["GET", "/nothing", 404],
    ["DELETE", "/api/status", 405],
    ["GET", "/api/seed", 405],
    ["POST", "/", 405],
    ["PUT", "/api/releases", 405],
    ["PATCH", "/api/runs", 405],
    ["OPTIONS", "/api/runs", 405],
    ["DELETE", "/vendor/preact.js", 405],
    ["HEAD", "/api/status", 200],
    ["HEAD", "/", 200],
    ["POST", "/api/queues/nothing/pause", 400],
  ])("%s %s → %i, as JSON", async (method, path, status) => {
    const answer = await fetch(new URL(path, monitor.url), { method });
    expect(answer.status).toBe(status);
    if (status === 405) expect(answer.headers.get("allow")).toBeTruthy();
    if (status >= 400) expect(await answer.json()).toHaveProperty("error.message");
  });

  it("two Host headers, a head that is none, a method that is none: 400 and the end", async () => {
    for (const text of [
      "GET /api/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
      "GET /api/status HTTP/1.1\r\n\r\n",
      "nonsense\r\n\r\n",
      "FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n",
    ])
      expect((await raw(text)).head, text).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("a head that never ends is given up within seconds", async () => {
    const { head, ms } = await raw("GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    expect(head).toMatch(/^HTTP\/1\.1 408 /);
    expect(ms).toBeLessThan(25_000);
  });
});
