import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMonitorApp, startMonitor, type Monitor } from "@pairloom/service-monitor";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { makeSmallRelease } from "../../../packages/training/test/smallRelease.js";
import { monitorActions } from "../src/project/monitorActions.js";
import { openProject, type Project } from "../src/project/openProject.js";
import { listRuns } from "../src/project/runSummaries.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let folder: string;
let project: Project;
let monitor: Monitor;
let settingsBefore: string;
beforeAll(async () => {
  const made = await makeSmallRelease();
  folder = await mkdtemp(join(tmpdir(), "pairloom-api-"));
  const dir = join(folder, "project");
  await mkdir(join(dir, "releases"), { recursive: true });
  await writeFile(join(dir, "pairloom.json"), JSON.stringify({ project: "api", sources: [] }));
  // Opened first: a Redis that holds nothing of a project with releases would count as one that lost its data.
  project = await openProject({ dir });
  await cp(made.release, join(dir, "releases", "small"), { recursive: true });
  await cp(made.release, join(dir, "releases", "held"), { recursive: true });
  await cp(made.release, join(folder, "outside"), { recursive: true });
  await rm(made.folder, { recursive: true });
  const card = JSON.stringify({ name: "held", settings: { side: "held_out", holdOut: [] } });
  await writeFile(join(dir, "releases", "held", "datacard.json"), card);
  await mkdir(join(dir, "requests"));
  for (const name of ["small", "held"]) await writeFile(join(dir, "requests", `${name}.jsonl.gz`), "");
  await mkdir(join(dir, "empty"));
  await writeFile(join(dir, "model.json"), "{}");
  await writeFile(join(dir, "nothing.txt"), "");
  monitor = await startMonitor(monitorActions(project), project.road, {
    host: "127.0.0.1",
    port: 0,
    token: null,
  });
  settingsBefore = await readFile(join(dir, "pairloom.json"), "utf8");
});
afterAll(async () => {
  await monitor?.close();
  await project?.close();
  await rm(folder, { recursive: true, force: true });
});

async function post(
  path: string,
  body: unknown,
): Promise<{ status: number; message: string; answer: unknown }> {
  const answer = await fetch(new URL(path, monitor.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const value = (await answer.json()) as { error?: { message: string } };
  return { status: answer.status, message: value.error?.message ?? "", answer: value };
}
const waiting = async () => (await project.road.counts()).trainer.waiting;
const launch = { release: "small", engine: "wasm", batchSize: 8, steps: 5 };

describe("a training that can't begin is refused by its setting's name, and nothing is queued", () => {
  afterEach(async () => {
    expect(await listRuns(project)).toEqual([]);
    expect(await waiting()).toBe(0);
  });

  it.each<[string, object]>([
    ["`model`", { model: "ViT-B-31" }],
    ["`model`", { model: "/etc/passwd" }],
    ["`model`", { model: "../model.json" }],
    ["`model`", { model: "model.json" }],
    ["`model`", { model: "empty" }],
    ["`model`", { model: "a\0b.json" }],
    ["`model`", { settings: { model: 5 } }],
    ["`data`", { release: undefined, settings: { data: "/etc" } }],
    ["`data`", { release: undefined, settings: { data: "../outside" } }],
    ["`data`", { release: undefined, settings: { data: "releases/../../outside" } }],
    ["`data`", { release: undefined, settings: { data: "file:///etc" } }],
    ["`data`", { release: undefined, settings: { data: "http://127.0.0.1:9/" } }],
    ["`data`", { release: undefined, settings: { data: "releases/none" } }],
    ["`data`", { release: undefined, settings: { data: "empty" } }],
    ["`data`", { release: undefined, settings: { data: "pairloom.json" } }],
    ["`data`", { release: undefined, settings: { data: 7 } }],
    ["`data`", { release: "held" }],
    ["`data`", { release: undefined, settings: { data: "releases/held/" } }],
    ["`evaluateData`", { settings: { evaluateData: "releases/none" } }],
    ["`evaluateData`", { settings: { evaluateData: "/etc" } }],
    ["`zeroShotClasses`", { settings: { zeroShotClasses: "/etc/passwd" } }],
    ["`zeroShotClasses`", { settings: { zeroShotClasses: "nothing.txt" } }],
    ["`initialCheckpoint`", { settings: { initialCheckpoint: "none.safetensors" } }],
    ["`initialCheckpoint`", { settings: { initialCheckpoint: "../outside/00000.tar" } }],
    ["`device`", { device: "gpu:99", engine: "auto" }],
    ["`device`", { device: "gpu:0" }],
    ["`device`", { device: "webgpu:0" }],
    ["`device`", { device: "webgpu:7", engine: undefined }],
    ["device", { device: "tpu" }],
    ["`engine`", { settings: { engine: "cuda" } }],
    ["`batchSize`", { batchSize: 100_000 }],
    ["batchSize", { batchSize: 1 }],
    ["`lr`", { settings: { lr: -1 } }],
    ["`lr`", { settings: { lr: "1e-3" } }],
    ["nonsense", { settings: { nonsense: 1 } }],
    ["__proto__", { settings: JSON.parse('{"__proto__": {"data": "x"}}') as object }],
    ["constructor", { settings: { constructor: 1 } }],
    ["bf16", { settings: { precision: "bf16" } }],
    ["Patch", { model: "tiny", settings: { patchDropout: 2 } }],
    ["release", { release: "none" }],
    ["release", { release: "../../etc" }],
    ["release", { release: "r".repeat(250) }],
    ["release", { release: undefined }],
    ["run", { run: "r".repeat(250) }],
    ["run", { run: "../up" }],
    ["priority", { priority: "first" }],
    ["extra", { extra: 1 }],
  ])("%s: %j", async (named, changes) => {
    const { status, message } = await post("/api/runs", { ...launch, ...changes });
    expect(status, message).toBe(400);
    expect(message.toLowerCase()).toContain(named.replace("Patch", "patchDropout").toLowerCase());
    expect(message.length).toBeLessThan(2000);
  });
});

describe("what is right is queued", () => {
  it("on a release; on a held-out one by an explicit word; on a folder that is linked into the project", async () => {
    await symlink(join(folder, "outside"), join(project.dir, "linked"));
    for (const body of [
      { ...launch, settings: { evaluateData: "releases/held" } },
      { ...launch, release: "held", allowHeldOut: true },
      { ...launch, release: undefined, settings: { data: "linked" } },
    ]) {
      const { status, message } = await post("/api/runs", body);
      expect(status, message).toBe(202);
    }
    expect(await waiting()).toBe(3);
  });

  it("a clone is checked as a launch is: by what it changes, and as a whole", async () => {
    expect((await post("/api/runs/run-0001/clone", { settings: { data: "/etc" } })).message).toContain(
      "`data`",
    );
    expect((await post("/api/runs/run-0001/clone", { device: "gpu:99" })).message).toContain("`device`");
    expect((await post("/api/runs/run-0002/clone", { settings: { allowHeldOut: false } })).message).toContain(
      "held-out",
    );
    expect((await post("/api/runs/run-0001/clone", { run: "x".repeat(101) })).status).toBe(400);
    expect((await post("/api/runs/none/clone", {})).status).toBe(404);
    expect((await post("/api/runs/run-0001/clone", { settings: { steps: 3 } })).status).toBe(202);
  });

  it("the list of releases says which are held out", async () => {
    const { releases } = (await (await fetch(new URL("/api/releases", monitor.url))).json()) as {
      releases: { name: string; heldOut: boolean }[];
    };
    expect(releases.map(({ name, heldOut }) => [name, heldOut])).toEqual([
      ["held", true],
      ["small", false],
    ]);
  });
});

describe("other bodies", () => {
  it.each<[string, object]>([
    ["/api/releases", { name: "r".repeat(250) }],
    ["/api/releases", { name: "../x" }],
    ["/api/releases", { name: "" }],
    ["/api/releases", { name: null }],
    ["/api/releases", { name: "x", more: 1 }],
    ["/api/seed", {}],
    ["/api/seed", { queries: "" }],
    ["/api/seed", { queries: "# nothing" }],
    ["/api/seed", { queries: "red star" }],
    ["/api/seed", { queries: "red star", search: "not a URL" }],
    ["/api/seed", { queries: "red star", search: "http://127.0.0.1:9/without-a-query" }],
    ["/api/seed", { queries: "red star", search: "file:///etc/passwd?q={query}&offset={offset}" }],
    ["/api/seed", { site: "file:///etc/passwd" }],
    ["/api/seed", { site: "javascript:alert(1)" }],
    ["/api/seed", { site: "http://127.0.0.1:9/" }],
    ["/api/seed", { site: "http://example.org/", maxPages: 0 }],
    ["/api/seed", { site: "http://example.org/", queries: "red star" }],
  ])("%s %j is refused, and the project's file stays as it was", async (path, body) => {
    const { status, message } = await post(path, body);
    expect(status, message).toBe(400);
    expect(await readFile(join(project.dir, "pairloom.json"), "utf8")).toBe(settingsBefore);
  });
});

/** Every route: what can stand for its parameters, and a body that is right but for what is done to it. */
const routes: Record<string, { params?: Record<string, string>; body?: Record<string, unknown> }> = {
  "GET /api/status": {},
  "POST /api/seed": { body: { queries: "red star", search: "x" } },
  "GET /api/releases": {},
  "POST /api/releases": { body: { name: "r" } },
  "GET /api/runs": {},
  "POST /api/runs": { body: { ...launch, run: "-", settings: {}, device: "cpu", priority: "low" } },
  "GET /api/runs/:run": { params: { run: "run-0001" } },
  "POST /api/runs/:run/clone": { params: { run: "run-0001" }, body: { settings: {}, run: "-" } },
  "POST /api/runs/:run/pause": { params: { run: "none" } },
  "POST /api/runs/:run/resume": { params: { run: "none" } },
  "POST /api/runs/:run/cancel": { params: { run: "none" } },
  "GET /api/runs/:run/metrics": { params: { run: "run-0001" } },
  "GET /api/runs/:run/log": { params: { run: "run-0001" } },
  "GET /api/runs/:run/samples": { params: { run: "run-0001" } },
  "GET /api/runs/:run/samples/pictures/:file": { params: { run: "run-0001", file: "1.jpg" } },
  "GET /api/runs/:run/checkpoints": { params: { run: "run-0001" } },
  "GET /api/runs/:run/checkpoints/:file": { params: { run: "run-0001", file: "latest" } },
  "POST /api/queues/:queue/pause": { params: { queue: "none" } },
  "POST /api/queues/:queue/resume": { params: { queue: "none" } },
  "POST /api/jobs/retry-failed": {},
  "GET /api/metrics": {},
  "GET /": {},
  "GET /vendor/:file": { params: { file: "preact.js" } },
  "GET /assets/*": { params: { "*": "main.js" } },
};
/** Streams: they answer as long as somebody listens. */
const streams = ["GET /api/events", "GET /api/runs/:run/events"];

describe("whatever is sent", () => {
  it("the table of routes is whole", () => {
    const app = createMonitorApp(monitorActions(project), project.road, null);
    const there = app.routes
      .filter(({ method, path }) => method !== "ALL" && !path.startsWith("/queues"))
      .map(({ method, path }) => `${method} ${path}`);
    expect([...new Set(there)].sort()).toEqual([...Object.keys(routes), ...streams].sort());
  });

  const odd = fc.oneof(
    fc.constantFrom(
      "__proto__",
      "constructor",
      "..",
      "../..",
      "%2e%2e%2f",
      "%00",
      "a\0b",
      "%",
      "%ff",
      "latest",
      "-",
      "é",
      "🙂",
      "\u202e",
      "\ud800",
      "x".repeat(300),
      "s3:x",
      "/etc/passwd",
    ),
    fc.string({ unit: "binary", maxLength: 40 }),
  );
  const value: fc.Arbitrary<unknown> = fc.oneof(
    odd,
    fc.jsonValue(),
    fc.constantFrom(null, -1, 1e308, true, [], {}),
  );
  const key = fc.oneof(
    odd,
    fc.constantFrom("settings", "name", "run", "release", "data", "model", "device", "seed", "steps"),
  );

  it.each(Object.entries(routes))("%s never answers 5xx", async (route, { params = {}, body }) => {
    const [method, pattern] = route.split(" ") as [string, string];
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom("none", ...Object.keys(params)), odd, {
          maxKeys: 2,
          noNullPrototype: true,
        }),
        fc.dictionary(fc.constantFrom("offset", "most", "token", "x"), odd, {
          maxKeys: 2,
          noNullPrototype: true,
        }),
        fc.array(fc.tuple(key, value), { maxLength: 3 }),
        async (oddParams, query, changes) => {
          const path = pattern.replace(/:(\w+)|\*/g, (whole, name: string | undefined) => {
            const given = Object.hasOwn(oddParams, name ?? whole)
              ? oddParams[name ?? whole]!
              : params[name ?? whole]!;
            return /^%/.test(given) ? given : encodeURIComponent(given.toWellFormed());
          });
          const search = new URLSearchParams(query).toString();
          const changed = Object.fromEntries([...Object.entries(body ?? {}), ...changes]);
          const answer = await fetch(`${monitor.url.slice(0, -1)}${path}?${search}`, {
            method,
            ...(method === "GET"
              ? {}
              : { headers: { "content-type": "application/json" }, body: JSON.stringify(changed) }),
          });
          const text = await answer.text();
          expect(answer.status, `${path} ${JSON.stringify(changed)}\n${text.slice(0, 500)}`).toBeLessThan(
            500,
          );
          if (answer.status >= 400) expect(JSON.parse(text)).toHaveProperty("error.code");
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it("has launched no training and changed no settings by accident", async () => {
    expect((await listRuns(project)).map(({ run }) => run).slice(0, 4)).toEqual([
      "run-0001",
      "run-0002",
      "run-0003",
      "run-0004",
    ]);
    expect(await readFile(join(project.dir, "pairloom.json"), "utf8")).toBe(settingsBefore);
  });
});
