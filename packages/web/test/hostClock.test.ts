import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRedis, type RedisHandle } from "@pairloom/queue";
import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { HostClock } from "../src/clock/hostClock.js";
import { firstFree, memoryHostClock } from "../src/clock/memoryHostClock.js";
import { redisHostClock } from "../src/clock/redisHostClock.js";
import { clockedServer, gapsBy, longestStallMs, type ClockedServer, type Seen } from "./clockedServer.js";

let folder: string;
let handle: RedisHandle;
let redis: Redis;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "web-clock-"));
  handle = await openRedis({ dir: folder });
  redis = handle.connect();
});
afterAll(async () => {
  await handle.close();
  await rm(folder, { recursive: true });
});

let prefixes = 0;
const clocks: [string, () => HostClock][] = [
  ["in memory", () => memoryHostClock()],
  ["in Redis", () => redisHostClock(redis, `test${prefixes++}`)],
];

describe.each(clocks)("a host clock %s", (_name, make) => {
  const asking = (host: string, hostGapMs = 1000, address = host, addressGapMs = 0) => ({
    host,
    hostGapMs,
    address,
    addressGapMs,
  });
  const waits = async (clock: HostClock, requests: ReturnType<typeof asking>[]) => {
    const waits: number[] = [];
    for (const request of requests) waits.push(await clock.reserve(request));
    return waits;
  };
  const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it("hands out slots one gap apart, the first at once", async () => {
    const [first = -1, second = 0, third = 0] = await waits(make(), [asking("a"), asking("a"), asking("a")]);
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(800);
    expect(second).toBeLessThanOrEqual(1000);
    expect(third).toBeGreaterThan(1800);
    expect(third).toBeLessThanOrEqual(2000);
  });
  it("keeps hosts apart", async () => {
    expect(
      await waits(
        make(),
        ["a", "b", "c"].map((host) => asking(host)),
      ),
    ).toEqual([0, 0, 0]);
  });
  it("hands each of many that ask at once a slot of its own", async () => {
    const clock = make();
    const taken = await Promise.all(Array.from({ length: 50 }, () => clock.reserve(asking("a", 10_000))));
    const steps = taken.map((waitMs) => Math.ceil(waitMs / 10_000)).sort((x, y) => x - y);
    expect(steps).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
  it("spaces the hosts of one address, and a busy host doesn't hold the others back", async () => {
    const clock = make();
    const asked = (host: string) => asking(host, 100_000, "1.2.3.4", 10_000);
    const busy = await waits(
      clock,
      Array.from({ length: 5 }, () => asked("busy")),
    );
    const others = await waits(clock, ["b", "c", "d"].map(asked));
    const steps = (all: number[]) => all.map((waitMs) => Math.ceil(waitMs / 10_000));
    expect([steps(busy), steps(others)]).toEqual([
      [0, 10, 20, 30, 40],
      [1, 2, 3],
    ]);
  });
  it("gives leave to one at a time, a gap apart, whoever asks", async () => {
    const clock = make();
    const request = asking("a", 150);
    expect(await clock.confirm(request)).toBe(0);
    const [one, two] = await Promise.all([clock.confirm(request), clock.confirm(request)]);
    expect(Math.min(one, two)).toBeGreaterThan(0);
    await pass(170);
    const again = await Promise.all([clock.confirm(request), clock.confirm(request)]);
    expect(again.filter((waitMs) => waitMs === 0)).toHaveLength(1);
  });
  it("counts the gap from the moment a late request was really sent", async () => {
    const clock = make();
    const request = asking("a", 200, "1.2.3.4", 200);
    await clock.reserve(request);
    await pass(150);
    await clock.sent(request);
    const sentMs = performance.now();
    for (const late of [request, asking("b", 200, "1.2.3.4", 200)]) {
      const waitMs = await clock.confirm(late);
      // By the clock of the gap 200 ms have passed then: a few of them before `sent` told us.
      expect(performance.now() - sentMs + waitMs).toBeGreaterThan(190);
    }
    expect(await clock.confirm(asking("b", 200, "5.6.7.8", 200))).toBe(0);
  });
  it("pauses a host for everybody, slots taken before included; a shorter pause takes nothing back", async () => {
    const clock = make();
    await clock.reserve(asking("a", 10));
    await clock.pause("a", 5000);
    await clock.pause("a", 10);
    expect(await clock.confirm(asking("a", 10))).toBeGreaterThan(4000);
    expect(await clock.reserve(asking("a", 0))).toBeGreaterThan(4000);
    expect(await clock.reserve(asking("b"))).toBe(0);
  });
});

it("the first free moment is a gap away from every booked one, and none before it is", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 60 })),
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 1, max: 9 }),
      (booked, from, gap) => {
        booked.sort((a, b) => a - b);
        const free = (at: number) => booked.every((other) => Math.abs(other - at) >= gap);
        const slot = firstFree(booked, from, gap);
        let expected = from;
        while (!free(expected)) expected++;
        expect(slot).toBe(expected);
      },
    ),
  );
});

it("keys leave Redis when their moments have passed", async () => {
  const clock = redisHostClock(redis, "expiry");
  await clock.reserve({ host: "a", hostGapMs: 50, address: "1.1.1.1", addressGapMs: 50 });
  await clock.pause("b", 50);
  expect(await redis.keys("expiry*")).toHaveLength(5);
  for (const key of await redis.keys("expiry*")) expect(await redis.pttl(key)).toBeGreaterThan(0);
});

describe("four processes that fetch by every rule, by the server's own log", { timeout: 90_000 }, () => {
  let server: ClockedServer;
  beforeEach(async () => {
    if (!existsSync(join(import.meta.dirname, "../dist/index.js")))
      throw new Error("build packages/web first");
    server = await clockedServer();
  });
  afterEach(() => server.close());

  /** Each process asks every host for robots.txt and its like, and for pictures that need redirects and retries. */
  async function logOf(hosts: string[], settings: object, sharesClocks = true): Promise<Seen[]> {
    const common = `four${prefixes++}`;
    const exits = [0, 1, 2, 3].map((n) => {
      const paths = ["ok", "to", "again", "cut", "later"].map((kind) => `/${kind}/${n}`);
      const urls = hosts.flatMap((host) => paths.map((path) => `http://${host}:${server.port}${path}`));
      const keyPrefix = sharesClocks ? common : `${common}-${n}`;
      const task = JSON.stringify({ redis: handle.options, keyPrefix, urls, ...settings });
      return once(fork(join(import.meta.dirname, "askingProcess.mjs"), [task]), "exit");
    });
    expect((await Promise.all(exits)).map(([code]) => code as number)).toEqual([0, 0, 0, 0]);
    return server.log();
  }
  // Three site files, five pictures, one redirect, three retries.
  const requestsOfHost = 4 * 12;
  /** Redis counts in whole ms. */
  const slackMs = (log: Seen[]): number => 2 + longestStallMs(log);

  it("no two requests to a host are closer than its gap", async () => {
    const log = await logOf(["127.0.0.1", "127.0.0.2"], { hostGapMs: 150, addressGapMs: 0 });
    const gaps = gapsBy(log, "host");
    expect(gaps.size).toBe(2);
    for (const { requests, shortestMs, medianMs } of gaps.values()) {
      expect(requests).toBe(requestsOfHost);
      expect(shortestMs).toBeGreaterThan(150 - slackMs(log));
      expect(medianMs).toBeGreaterThan(140);
    }
  });

  it("no two requests to an address are closer than its gap, over all of its hosts", async () => {
    const hosts = ["a.localhost", "b.localhost", "127.0.0.9"];
    const log = await logOf(hosts, { hostGapMs: 20, addressGapMs: 80 });
    const gaps = gapsBy(log, "address");
    expect([...gaps.keys()].sort()).toEqual(["127.0.0.1", "127.0.0.9"]);
    expect(gaps.get("127.0.0.1")!.requests).toBe(2 * requestsOfHost);
    for (const { shortestMs, medianMs } of gaps.values()) {
      expect(shortestMs).toBeGreaterThan(80 - slackMs(log));
      expect(medianMs).toBeGreaterThan(75);
    }
  });

  it("with clocks of their own they ask more often: the log would show it", async () => {
    const log = await logOf(["127.0.0.1"], { hostGapMs: 150, addressGapMs: 0 }, false);
    expect(gapsBy(log, "host").get("127.0.0.1")!.shortestMs).toBeLessThan(100);
  });
});
