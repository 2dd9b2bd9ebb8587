import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { funnelOf, UserError } from "@pairloom/config";
import { openRedis, openRoad, type RedisHandle, type Road } from "@pairloom/queue";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { MonitorActions } from "../src/actions.js";
import { startMonitor, type Monitor } from "../src/startMonitor.js";

let folder: string;
let redis: RedisHandle;
let road: Road;
let monitor: Monitor | null = null;
const asked: unknown[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-monitor-"));
  redis = await openRedis({ dir: folder });
  road = await openRoad(redis, "monitor");
}, 120_000);
afterEach(async () => {
  await monitor?.close();
  monitor = null;
});
afterAll(async () => {
  await road?.close();
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});

function actions(): MonitorActions {
  return {
    status: async () => ({
      dir: folder,
      idle: await road.isIdle(),
      funnel: funnelOf({ "fetcher.candidates": 7 }),
      queues: await road.counts(),
      failedJobs: 0,
    }),
    seedQueries: async (wish) => {
      asked.push(wish);
      return { queries: 2, duplicates: 0, jobs: 1 };
    },
    seedSite: async () => {
      throw new UserError("site_unreachable", "nobody there", { hint: "look again" });
    },
    listReleases: async () => [],
    askRelease: async () => ({ name: "r0001" }),
    listRuns: async () => [],
    readMetrics: async () => ({ lines: [], offset: 0 }),
    launchTraining: async (wish) => {
      asked.push(wish);
      return { run: "run-0001" };
    },
    listCheckpoints: async () => [],
    checkpointPath: async (_run, file) => (file === "step-1.safetensors" ? join(folder, file) : null),
  };
}

const start = (token: string | null = null, port = 0) =>
  startMonitor(actions(), road, { host: "127.0.0.1", port, token }).then((started) => (monitor = started));

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(new URL(path, monitor!.url), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

/** fetch() sets its own Host header; this asks under any name. */
const statusUnderHost = (host: string) =>
  new Promise<number>((resolve, reject) => {
    const { hostname, port } = new URL(monitor!.url);
    request({ hostname, port, path: "/api/status", headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });

describe("the API", () => {
  it("tells the funnel and every queue", async () => {
    await start();
    const status = (await (await fetch(new URL("/api/status", monitor!.url))).json()) as {
      funnel: { seen: number };
      queues: object;
    };
    expect(status.funnel.seen).toBe(7);
    expect(Object.keys(status.queues)).toEqual([
      "expander",
      "crawler",
      "fetcher",
      "deduper",
      "sharder",
      "trainer",
    ]);
  });

  it("hands a query list and a training on, and leaves out what was not given", async () => {
    await start();
    asked.length = 0;
    expect((await post("/api/seed", { queries: "a\nb" })).status).toBe(202);
    expect((await post("/api/runs", { release: "r0001", steps: 5 })).status).toBe(202);
    expect(asked).toEqual([{ queries: "a\nb" }, { release: "r0001", model: "tiny", steps: 5 }]);
  });

  it("names the wrong field of a body, and answers a user's error with its hint", async () => {
    await start();
    const wrong = await post("/api/runs", { release: "r0001", steps: 0 });
    expect(wrong.status).toBe(400);
    expect(await wrong.text()).toContain("steps");
    const refused = await post("/api/seed", { site: "http://127.0.0.1:9/" });
    expect(await refused.json()).toEqual({
      error: { code: "site_unreachable", message: "nobody there", hint: "look again" },
    });
  });

  it("hands out a checkpoint whole, and none that isn't there", async () => {
    await start();
    await writeFile(join(folder, "step-1.safetensors"), Buffer.alloc(100_000, 7));
    const answer = await fetch(new URL("/api/runs/a/checkpoints/step-1.safetensors", monitor!.url));
    expect((await answer.arrayBuffer()).byteLength).toBe(100_000);
    expect((await fetch(new URL("/api/runs/a/checkpoints/other", monitor!.url))).status).toBe(404);
  });

  it("pauses and resumes a queue", async () => {
    await start();
    await post("/api/queues/fetcher/pause", {});
    expect((await road.counts()).fetcher.paused).toBe(true);
    await post("/api/queues/fetcher/resume", {});
    expect((await road.counts()).fetcher.paused).toBe(false);
  });

  it("speaks Prometheus", async () => {
    await start();
    const text = await (await fetch(new URL("/api/metrics", monitor!.url))).text();
    expect(text).toContain('pairloom_candidates_total{fate="seen"} 7');
  });
});

describe("the pages", () => {
  it("serves the dashboard with every module that it imports, and bull-board under /queues", async () => {
    await start();
    const page = await (await fetch(monitor!.url)).text();
    expect(page).toContain("/assets/main.js");
    for (const path of [
      "/assets/main.js",
      "/assets/funnel.js",
      "/assets/dashboard.css",
      ...(page.match(/\/vendor\/[\w.-]+/g) ?? []),
    ])
      expect((await fetch(new URL(path, monitor!.url))).status, path).toBe(200);
    expect((await fetch(new URL("/queues", monitor!.url))).status).toBe(200);
    expect((await fetch(new URL("/assets/..%2f..%2fpackage.json", monitor!.url))).status).toBe(404);
  });
});

describe("who may come in", () => {
  it("beyond loopback a token is required to start", async () => {
    await expect(
      startMonitor(actions(), road, { host: "0.0.0.0", port: 0, token: null }),
    ).rejects.toMatchObject({ code: "token_required" });
  });

  it("with a token nobody enters without it", async () => {
    await start("secret");
    const status = (headers: Record<string, string>) =>
      fetch(new URL("/api/status", monitor!.url), { headers }).then(({ status }) => status);
    expect(await status({})).toBe(401);
    expect(await status({ authorization: "Bearer wrong" })).toBe(401);
    expect(await status({ authorization: "Bearer secret" })).toBe(200);
  });

  it("a name that was rebound to loopback is refused", async () => {
    await start();
    expect(await statusUnderHost("evil.example")).toBe(403);
    expect(await statusUnderHost("localhost")).toBe(200);
  });

  it("another site's page can't write", async () => {
    await start();
    expect((await post("/api/releases", {}, { origin: "http://evil.example" })).status).toBe(403);
    expect((await post("/api/releases", {}, { origin: new URL(monitor!.url).origin })).status).toBe(202);
  });

  it("a port in use is named", async () => {
    const taken: Server = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    await expect(start(null, port)).rejects.toMatchObject({ code: "port_in_use" });
    await new Promise((resolve) => taken.close(resolve));
  });
});
