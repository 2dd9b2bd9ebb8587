import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { projectSettings, type ProjectSettings } from "@pairloom/config";
import { openRedis, openRoad, runWorker, type RedisHandle, type Road } from "@pairloom/queue";
import { scrubSecrets } from "@pairloom/sources";
import { openStore, publishLines, type Store } from "@pairloom/storage";
import { openWeb, type Web } from "@pairloom/web";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { expandJob } from "../src/index.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const secret = "Zq8-k3y/9+x";
const spellings = [secret, encodeURIComponent(secret)];

let dir: string;
let redis: RedisHandle;
let store: Store;
let road: Road;
let api: Server;
let elsewhere: Server;
let asked: string[];
let log: string[];
let web: Web;
let answer: (url: URL) => { status: number; headers?: Record<string, string>; body?: string } | null;
let tests = 0;

const originOf = (server: Server) => {
  const { address, port } = server.address() as AddressInfo;
  return `http://${address}:${port}`;
};
function serve(host: string): Promise<Server> {
  const server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`);
    const said = answer(new URL(request.url ?? "", `http://${request.headers.host}`));
    if (said === null) return; // never answers
    response.writeHead(said.status, said.headers).end(said.body);
  });
  return new Promise((resolve) => void server.listen(0, host, () => resolve(server)));
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "secret-keys-"));
  redis = await openRedis({ dir });
  [api, elsewhere] = await Promise.all([serve("127.0.0.1"), serve("127.0.0.2")]);
});
beforeEach(async () => {
  const name = `test${tests++}`;
  road = await openRoad(redis, name, { tuning: { attempts: 2, backoffMs: 10 } });
  store = await openStore(join(dir, name));
  [asked, log] = [[], []];
});
afterEach(async () => {
  await web.close();
  await road.close();
});
afterAll(async () => {
  for (const server of [api, elsewhere]) {
    server.closeAllConnections();
    server.close();
  }
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});

/** Runs one expand job as the stage does, until it is done or has failed for good. */
async function expand(url: string): Promise<void> {
  const settings: ProjectSettings = projectSettings.parse({
    project: "p",
    sources: [{ kind: "search", name: "api", url, pageSize: 2 }],
    web: {
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: 0,
      addressGapMs: 0,
      timeoutMs: 300,
      retries: 1,
      backoffMs: 1,
    },
  });
  const readVariable = (name: string) => (name === "PAIRLOOM_KEY_TEST" ? secret : undefined);
  const logging = (line: string) => void log.push(scrubSecrets(settings.sources, readVariable, line));
  web = openWeb({ settings: settings.web, log: logging });
  const get = async (to: string, signal: AbortSignal) => {
    const said = await web.getText(to, { signal });
    return said.status === "ok" ? { ...said, body: said.body.whole() } : said;
  };
  await publishLines(store, "queries/q.jsonl.gz", [{ query: "red boats" }]);
  await road.add("expander", [{ id: "x-q-0", data: { queries: "queries/q.jsonl.gz", from: 0, to: 1 } }]);
  const context = { road, store, settings, get, readVariable };
  const worker = runWorker(road, "expander", (job) => expandJob(context, job), { log: logging });
  await vi.waitUntil(() => road.isIdle(["expander"]), { timeout: 30_000, interval: 50 });
  await worker.stop();
}

/** Every file of the project's folder, gunzipped, and every value in Redis (its own file is among the files). */
async function everythingKept(): Promise<string> {
  const kept: string[] = [...log];
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    kept.push(entry.name, (entry.name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("latin1"));
  }
  const client = redis.connect();
  for (const key of await client.keys("*")) {
    const type = await client.type(key);
    const value =
      type === "hash"
        ? await client.hgetall(key)
        : type === "list"
          ? await client.lrange(key, 0, -1)
          : type === "zset"
            ? await client.zrange(key, 0, -1)
            : type === "set"
              ? await client.smembers(key)
              : type === "stream"
                ? await client.xrange(key, "-", "+")
                : await client.get(key);
    kept.push(key, JSON.stringify(value));
  }
  client.disconnect();
  return kept.join("\n");
}

async function expectNoSecret(): Promise<void> {
  const kept = await everythingKept();
  expect(kept).toContain("red boats");
  for (const spelling of spellings) expect(kept).not.toContain(spelling);
}

const results = (...urls: string[]) =>
  JSON.stringify({ results: urls.map((url) => ({ type: "image", url, caption: "A red boat" })) });

describe.each([
  ["in the environment", "{env:PAIRLOOM_KEY_TEST}"],
  ["in the template", encodeURIComponent(secret)],
])("a search API's key %s", (_where, key) => {
  const template = () => `${originOf(api)}/search?api_key=${key}&q={query}&from={offset}`;
  const isAsked = () =>
    asked.some((url) => url.includes(`api_key=${encodeURIComponent(secret)}&q=red%20boats`));

  it("is sent, and stands nowhere where the API answers, not even where it repeats the key", async () => {
    const echoes = `http://127.0.0.9/a.jpg?k=${secret}`;
    answer = ({ searchParams }) => ({
      status: 200,
      body: searchParams.get("from") === "0" ? results("/1.jpg", echoes) : results("/2.jpg"),
    });
    await expand(template());
    expect(isAsked()).toBe(true);
    expect(await everythingKept()).toContain(`${originOf(api)}/2.jpg`);
    expect((await road.readFunnel())["expander.candidates"]).toBe(2);
    await expectNoSecret();
  });

  it.each<[string, typeof answer]>([
    [
      "401 that repeats the URL",
      (url) => ({ status: 401, body: `bad key in ${url.href}`, headers: { "x-url": url.href } }),
    ],
    ["503", () => ({ status: 503, headers: { "retry-after": "0" } })],
    ["silence", () => null],
    ["something else than JSON", (url) => ({ status: 200, body: `<p>${url.href}` })],
    [
      "JSON of another form",
      (url) => ({ status: 200, body: JSON.stringify({ error: url.href, results: url.href }) }),
    ],
    ["a redirect to itself", (url) => ({ status: 302, headers: { location: url.href } })],
    [
      "a redirect to what is refused",
      (url) => ({ status: 302, headers: { location: `http://10.0.0.1/${url.search}` } }),
    ],
    ["a redirect to no URL", () => ({ status: 302, headers: { location: `http://[${secret}` } })],
  ])("stands nowhere where the answer is %s", async (_name, says) => {
    answer = says;
    await expand(template());
    expect(isAsked()).toBe(true);
    const [failed] = await road.failedJobs();
    expect(failed?.reason).toContain('nothing found for "red boats": api: ');
    expect(failed?.reason).toContain("api_key=***");
    expect(log.join()).toContain("expander x-q-0 failed");
    await expectNoSecret();
  });

  it("goes to another host only where the API sends it there itself", async () => {
    answer = ({ host, pathname }) => {
      if (pathname === "/more") return { status: 200, body: results("/2.jpg") };
      if (host !== new URL(originOf(api)).host)
        return { status: 200, body: JSON.stringify({ ...JSON.parse(results("/1.jpg")), next: "/more" }) };
      return { status: 307, headers: { location: `${originOf(elsewhere)}/other?q=1` } };
    };
    await expand(template());
    const others = asked.filter((url) => url.startsWith("127.0.0.2"));
    expect(others.length).toBeGreaterThan(0);
    expect(others.join()).not.toContain("api_key");
    await expectNoSecret();
  });
});

it("a variable that is not set fails the job by its name", async () => {
  answer = () => ({ status: 200, body: results("/1.jpg") });
  await expand(`${originOf(api)}/search?key={env:PAIRLOOM_KEY_OTHER}&q={query}`);
  expect(asked).toEqual([]);
  expect((await road.failedJobs())[0]?.reason).toContain("PAIRLOOM_KEY_OTHER, which is not set");
});
