import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { funnelOf, UserError } from "@pairloom/config";
import { openRedis, openRoad, type RedisHandle, type Road } from "@pairloom/queue";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { MonitorActions, RunSummary } from "../src/actions.js";
import { thinned } from "../src/followRun.js";
import { startMonitor, type Monitor } from "../src/startMonitor.js";

let folder: string;
let redis: RedisHandle;
let road: Road;
let monitor: Monitor | null = null;
const asked: unknown[] = [];
/** Steps that the run's metrics hold; their offset is their number. */
let metrics: number[] = [];
const summary: RunSummary = {
  run: "run-0001",
  state: "running",
  reason: null,
  model: "tiny",
  device: "cpu",
  priority: "normal",
  clonedFrom: null,
  asked: "2026-01-01T00:00:00.000Z",
  step: 2,
  steps: 10,
  loss: 0.5,
  checkpoints: 0,
  last: { step: 2, loss: 0.5 },
  evaluation: null,
};

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
      warnings: ["Redis keeps nothing on disk"],
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
    showRun: async (run) => {
      if (run !== summary.run)
        throw new UserError("run_missing", `There is no run "${run}"`, { hint: "look at the list" });
      return { ...summary, folder, given: { lr: 0.1 }, settings: null };
    },
    readMetrics: async (_run, offset) => ({
      lines: metrics.slice(offset).map((step) => ({ step, loss: 1 / step })),
      offset: metrics.length,
    }),
    readLog: async (_run, offset) => ({ text: offset < 0 ? "the end\n" : "all of it\n", offset: 10 }),
    listSamples: async () => [],
    samplePath: async (_run, file) => (file === "00.jpg" ? join(folder, file) : null),
    launchTraining: async (wish) => {
      asked.push(wish);
      return { run: "run-0001" };
    },
    cloneTraining: async (run, changes) => {
      asked.push({ run, changes });
      return { run: "run-0002" };
    },
    wishTraining: async (run, wish) => {
      asked.push({ run, wish });
      if (wish === "cancel") throw new UserError("run_is_finished", "It is finished", { hint: "clone it" });
      return { ...summary, state: "pausing" };
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
    expect(asked).toEqual([{ queries: "a\nb" }, { release: "r0001", settings: { model: "tiny", steps: 5 } }]);
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

  it("stores wishes for a run, clones it with changes, and says why it can't", async () => {
    await start();
    asked.length = 0;
    const paused = await post("/api/runs/run-0001/pause", {});
    expect([paused.status, ((await paused.json()) as RunSummary).state]).toEqual([202, "pausing"]);
    const cloned = await post("/api/runs/run-0001/clone", { settings: { lr: 0.2 }, priority: "high" });
    expect(await cloned.json()).toEqual({ run: "run-0002" });
    expect(asked).toEqual([
      { run: "run-0001", wish: "pause" },
      { run: "run-0001", changes: { settings: { lr: 0.2 }, priority: "high" } },
    ]);
    const refused = await post("/api/runs/run-0001/cancel", {});
    expect(refused.status).toBe(409);
    expect(await refused.json()).toEqual({
      error: { code: "run_is_finished", message: "It is finished", hint: "clone it" },
    });
    expect((await post("/api/runs/run-0001/clone", { priority: "urgent" })).status).toBe(400);
  });

  it("sends a run's metrics as events, and to a reader that comes back only what it has missed", async () => {
    await start();
    metrics = [1, 2];
    const read = async (from: string | null, until: (text: string) => boolean, query = "") => {
      const stop = new AbortController();
      const answer = await fetch(new URL(`/api/runs/run-0001/events${query}`, monitor!.url), {
        headers: from === null ? {} : { "last-event-id": from },
        signal: stop.signal,
      });
      let text = "";
      for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (until(text)) break;
      }
      stop.abort();
      return text;
    };
    const first = await read(null, (text) => text.includes("event: state"));
    expect(first).toContain('data: {"lines":[{"step":1,"loss":1},{"step":2,"loss":0.5}]}');
    expect(first).toContain("id: 2");
    metrics = [1, 2, 4];
    const second = await read("2", (text) => text.includes("event: state"));
    expect(second).toContain('data: {"lines":[{"step":4,"loss":0.25}]}');
    expect(second).toContain("id: 3");
    const some = await read(null, (text) => text.includes("event: state"), "?most=1");
    expect(some).toContain('data: {"lines":[{"step":4,"loss":0.25}]}');
  });

  it("of a long past a reader may ask for some lines: the last of them and every evaluation stay", () => {
    const lines = Array.from({ length: 1001 }, (_, step) =>
      step === 3 ? { step, evaluation: {} } : { step, loss: 1 },
    );
    const some = thinned(lines, 100).map(({ step }) => step);
    expect(some.length).toBeLessThanOrEqual(101);
    expect(some).toContain(3);
    expect(some.at(-1)).toBe(1000);
    expect(thinned(lines, 1001)).toBe(lines);
  });

  it("shows one run, the end of its log and its pictures; what isn't there is a 404", async () => {
    await start();
    const get = (path: string) => fetch(new URL(path, monitor!.url));
    expect(await (await get("/api/runs/run-0001")).json()).toMatchObject({
      run: "run-0001",
      given: { lr: 0.1 },
    });
    expect(await (await get("/api/runs/run-0001/log?offset=-500")).json()).toEqual({
      text: "the end\n",
      offset: 10,
    });
    await writeFile(join(folder, "00.jpg"), Buffer.from([0xff, 0xd8]));
    const picture = await get("/api/runs/run-0001/samples/pictures/00.jpg");
    expect([picture.headers.get("content-type"), (await picture.arrayBuffer()).byteLength]).toEqual([
      "image/jpeg",
      2,
    ]);
    for (const path of ["/api/runs/other", "/api/runs/other/events", "/api/runs/run-0001/samples/pictures/x"])
      expect((await get(path)).status, path).toBe(404);
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
