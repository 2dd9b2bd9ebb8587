import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRedis, type RedisHandle } from "@pairloom/queue";
import fc from "fast-check";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostClock } from "../src/clock/hostClock.js";
import { HostGate } from "../src/clock/hostGate.js";
import { firstFree, memoryHostClock } from "../src/clock/memoryHostClock.js";
import { redisHostClock } from "../src/clock/redisHostClock.js";
import { misbehavingServer, type Asked, type MisbehavingServer } from "./misbehavingServer.js";

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

it("without gaps no clock is asked", async () => {
  const never: HostClock = {
    reserve: () => Promise.reject(new Error("asked")),
    confirm: () => Promise.reject(new Error("asked")),
    sent: () => Promise.reject(new Error("asked")),
    pause: () => Promise.resolve(),
  };
  const gate = new HostGate(never, { hostConnections: 2, connections: 2 });
  const request = { host: "a", hostGapMs: 0, address: "a", addressGapMs: 0 };
  expect(await gate.pass(request, null, async () => "done")).toBe("done");
});

it("a gate lets so many through at once, to a host and in all", async () => {
  const gate = new HostGate(memoryHostClock(), { hostConnections: 2, connections: 3 });
  let now = 0;
  let most = 0;
  const mostOf: Record<string, number> = {};
  const nowOf: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => {
      const host = `h${i % 10 < 5 ? 0 : i % 5}`;
      return gate.pass({ host, hostGapMs: 0, address: host, addressGapMs: 0 }, null, async () => {
        most = Math.max(most, ++now);
        nowOf[host] = (nowOf[host] ?? 0) + 1;
        mostOf[host] = Math.max(mostOf[host] ?? 0, nowOf[host]);
        await new Promise((resolve) => setTimeout(resolve, 5));
        now--;
        nowOf[host]--;
      });
    }),
  );
  expect([most, Math.max(...Object.values(mostOf))]).toEqual([3, 2]);
});

describe("four processes, by the server's own log", () => {
  let server: MisbehavingServer;
  beforeAll(async () => {
    if (!existsSync(join(import.meta.dirname, "../dist/index.js")))
      throw new Error("build packages/web first");
    server = await misbehavingServer();
  });
  afterAll(() => server.close());

  /** Each of four processes asks for each URL `times` times, all at once; when each request came, by what `of` says. */
  async function timesBy(
    of: (asked: Asked) => string,
    task: { urls: string[]; times: number; gapMs: number; addressGapMs: number },
  ): Promise<Map<string, number[]>> {
    server.asked.length = 0;
    const job = JSON.stringify({ redis: handle.options, keyPrefix: `four${prefixes++}`, ...task });
    const children = Array.from({ length: 4 }, () =>
      fork(join(import.meta.dirname, "askingProcess.mjs"), [job]),
    );
    const codes = await Promise.all(
      children.map((one) => new Promise((resolve) => one.once("exit", resolve))),
    );
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(server.asked).toHaveLength(4 * task.urls.length * task.times);
    const times = new Map<string, number[]>();
    for (const asked of server.asked) times.set(of(asked), [...(times.get(of(asked)) ?? []), asked.atMs]);
    return times;
  }
  /**
   * The server's log tells when a busy machine read a request, not when it was sent: one read late makes one gap longer
   * and the next shorter, but neither the middle one nor their sum.
   */
  function expectGaps(atMs: readonly number[], gapMs: number): void {
    const gaps = atMs.slice(1).map((at, i) => at - (atMs[i] ?? 0));
    expect(gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]).toBeGreaterThan(gapMs * 0.9);
    expect((atMs.at(-1) ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(gapMs * (atMs.length - 1) * 0.97);
  }

  it("keep a host's gap together", async () => {
    const urls = [server.url("/ok.jpg"), server.url("/ok.jpg", "127.0.0.2")];
    const byHost = await timesBy(({ host }) => host, { urls, times: 3, gapMs: 300, addressGapMs: 10 });
    expect(byHost.size).toBe(2);
    for (const times of byHost.values()) expectGaps(times, 300);
  });

  it("keep an address's gap together, over all of its hosts", async () => {
    const hosts = ["a", "b", "c", "d", "e"].map((name) => `${name}.localhost`);
    const urls = [...hosts.map((host) => server.url("/ok.jpg", host)), server.url("/ok.jpg", "127.0.0.9")];
    const byAddress = await timesBy(({ reachedAt }) => reachedAt ?? "", {
      urls,
      times: 1,
      gapMs: 1,
      addressGapMs: 100,
    });
    expect([...byAddress.keys()].sort()).toEqual(["127.0.0.1", "127.0.0.9"]);
    for (const times of byAddress.values()) expectGaps(times, 100);
  });
});
