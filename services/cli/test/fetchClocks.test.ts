import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { openRedis, type RedisHandle } from "@pairloom/queue";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  clockedServer,
  gapsBy,
  longestStallMs,
  type ClockedServer,
  type Seen,
} from "../../../packages/web/test/clockedServer.js";

const cli = join(import.meta.dirname, "../bin/pairloom.js");
const hosts = ["a.localhost", "b.localhost", "127.0.0.9"];
const hostGapMs = 200;
const addressGapMs = 80;
// On a busy machine four command lines take their time.
const timeout = 120_000;

let dir: string;
let redis: RedisHandle;
let connection: ReturnType<RedisHandle["connect"]>;
let redisProcess: number;
let server: ClockedServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fetch-clocks-"));
  redis = await openRedis({ dir });
  connection = redis.connect();
  redisProcess = Number(/process_id:(\d+)/.exec(await connection.info("server"))?.[1]);
});
afterAll(async () => {
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  server = await clockedServer();
  await connection.flushall();
});
afterEach(() => {
  process.kill(redisProcess, "SIGCONT");
  server.close();
});

interface FetchResult {
  successes?: number;
  reasons?: Record<string, number>;
  error?: { code: string; hint: string };
}

/** Runs `pairloom fetch` on list `n`: of every host a picture, one behind a redirect, and three that fail at first. */
async function fetchList(
  n: number,
  options: readonly string[],
  kinds = ["ok", "to", "again", "cut", "later"],
): Promise<{ code: number; result: FetchResult }> {
  const paths = kinds.map((kind) => `/${kind}/${n}`);
  const urls = hosts.flatMap((host) => paths.map((path) => `http://${host}:${server.port}${path}`));
  await writeFile(join(dir, `${n}.txt`), urls.join("\n"));
  const args = ["fetch", "--json", `--url-list=${join(dir, `${n}.txt`)}`, "--incremental-mode=overwrite"];
  const gaps = [`--host-gap-ms=${hostGapMs}`, `--address-gap-ms=${addressGapMs}`, "--retries=2"];
  const place = [`--output-folder=${join(dir, `out${n}`)}`, "--allow-private=127.0.0.0/8"];
  const child = spawn(process.execPath, [cli, ...args, ...gaps, ...place, ...options], {
    env: { ...process.env, REDIS_URL: "" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [said, ended] = await Promise.all([text(child.stdout), once(child, "close")]);
  return { code: ended[0] as number, result: JSON.parse(said) as FetchResult };
}
const fetchAll = (options: readonly string[]) => Promise.all([0, 1, 2, 3].map((n) => fetchList(n, options)));
/** Redis counts in whole ms. */
const slackMs = (log: Seen[]): number => 2 + longestStallMs(log);
const sharing = (): string[] => ["--redis-url", `unix://${redis.options.path}`];

test(
  "four runs on one Redis: no two requests to a host or an address are closer than its gap",
  { timeout },
  async () => {
    const runs = await fetchAll(sharing());
    expect(runs).toMatchObject(Array(4).fill({ code: 0, result: { successes: 15, reasons: {} } }));
    const log = await server.log();
    // Of each run and host: three site files, five pictures, one redirect, three retries.
    const byHost = gapsBy(log, "host");
    expect([...byHost.keys()].sort()).toEqual([...hosts].sort());
    for (const { requests, shortestMs, medianMs } of byHost.values()) {
      expect(requests).toBe(4 * 12);
      expect(shortestMs).toBeGreaterThan(hostGapMs - slackMs(log));
      expect(medianMs).toBeGreaterThan(hostGapMs * 0.9);
    }
    const byAddress = gapsBy(log, "address");
    expect([...byAddress.keys()].sort()).toEqual(["127.0.0.1", "127.0.0.9"]);
    for (const { shortestMs, medianMs } of byAddress.values()) {
      expect(shortestMs).toBeGreaterThan(addressGapMs - slackMs(log));
      expect(medianMs).toBeGreaterThan(addressGapMs * 0.9);
    }
  },
);

test("without a Redis each run keeps clocks of its own, and the log shows that", { timeout }, async () => {
  const runs = await fetchAll([]);
  expect(runs).toMatchObject(Array(4).fill({ code: 0, result: { successes: 15 } }));
  expect(gapsBy(await server.log(), "host").get("127.0.0.9")!.shortestMs).toBeLessThan(hostGapMs * 0.7);
});

test("without gaps no clock is asked, though there is a Redis", { timeout }, async () => {
  await connection.config("RESETSTAT");
  const gapless = [...sharing(), "--host-gap-ms=0", "--address-gap-ms=0"];
  expect((await fetchList(0, gapless, ["ok", "to", "again", "cut"])).result.successes).toBe(12);
  expect(await connection.info("commandstats")).not.toMatch(/cmdstat_eval/);
  // The control: a gap is asked about.
  expect((await fetchList(0, sharing(), ["ok"])).result.successes).toBe(3);
  expect(await connection.info("commandstats")).toMatch(/cmdstat_eval/);
});

test(
  "while Redis is away nothing is asked; when it is back in time, the run goes on and the gaps hold",
  { timeout },
  async () => {
    const running = fetchList(0, sharing());
    while ((await server.log()).length < 10) await sleep(20);
    process.kill(redisProcess, "SIGSTOP");
    await sleep(200);
    const before = (await server.log()).length;
    await sleep(1500);
    expect((await server.log()).length).toBe(before);
    process.kill(redisProcess, "SIGCONT");
    expect(await running).toMatchObject({ code: 0, result: { successes: 15 } });
    const log = await server.log();
    for (const { shortestMs } of gapsBy(log, "host").values())
      expect(shortestMs).toBeGreaterThan(hostGapMs - slackMs(log));
  },
);

test("a Redis that stays away ends the run with an error that says what to do", { timeout }, async () => {
  const running = fetchList(0, [...sharing(), "--redis-wait=1"]);
  while ((await server.log()).length < 10) await sleep(20);
  process.kill(redisProcess, "SIGSTOP");
  const { code, result } = await running;
  expect(code).toBe(1);
  expect(result.error?.code).toBe("redis_lost");
  expect(result.error?.hint).toMatch(/run the same command/);
});

test("a project's Redis is its own, and a folder without a project is refused", { timeout }, async () => {
  expect((await fetchList(0, ["--dir", join(dir, "none")])).result.error?.code).toBe("project_missing");
  expect((await fetchList(0, ["--redis-url=redis://127.0.0.1:1"])).result.error?.code).toBe(
    "redis_unreachable",
  );
  await writeFile(join(dir, "pairloom.json"), JSON.stringify({ project: "clocks" }));
  const running = fetchList(0, ["--dir", dir]);
  while ((await connection.keys("pairloom:clock:*")).length === 0) await sleep(20);
  expect((await running).code).toBe(0);
});
