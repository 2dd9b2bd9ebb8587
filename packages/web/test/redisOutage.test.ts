import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openRedis, type RedisHandle } from "@pairloom/queue";
import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { redisHostClock } from "../src/clock/redisHostClock.js";

let folder: string;
let handle: RedisHandle;
let redis: Redis;
let server: number;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "web-outage-"));
  handle = await openRedis({ dir: folder });
  redis = handle.connect();
  server = Number(/process_id:(\d+)/.exec(await redis.info("server"))?.[1]);
});
afterEach(() => process.kill(server, "SIGCONT"));
afterAll(async () => {
  await handle.close();
  await rm(folder, { recursive: true });
});

const request = { host: "h", hostGapMs: 300, address: "a", addressGapMs: 0 };

it("while Redis doesn't answer nobody gets leave, and beyond the limit all that wait are told at once", async () => {
  const clock = redisHostClock(redis, "limit", { outageLimitMs: 400 });
  expect(await clock.reserve(request)).toBe(0);
  process.kill(server, "SIGSTOP");
  const lost = async (answer: Promise<number>): Promise<{ code: unknown; atMs: number }> => {
    const code = await answer.catch((error: { code?: string }) => error.code);
    return { code, atMs: performance.now() };
  };
  const first = lost(clock.confirm(request));
  await sleep(300);
  const second = lost(clock.confirm(request));
  const ends = await Promise.all([first, second]);
  expect(ends.map(({ code }) => code)).toEqual(["redis_lost", "redis_lost"]);
  expect(ends[1].atMs - ends[0].atMs).toBeLessThan(200);
});

it("a Redis that comes back in time is waited for", async () => {
  const clock = redisHostClock(redis, "back", { outageLimitMs: 5000 });
  process.kill(server, "SIGSTOP");
  const answer = clock.reserve(request);
  await sleep(300);
  process.kill(server, "SIGCONT");
  expect(await answer).toBe(0);
});

it("after a lost connection nobody is asked before a gap has passed: the server may have forgotten all", async () => {
  const clock = redisHostClock(redis, "forgot");
  expect(await clock.reserve(request)).toBe(0);
  await redis.flushall();
  const other = handle.connect();
  await other.client("KILL", "ID", await redis.client("ID"));
  other.disconnect();
  const waitMs = await clock.reserve(request);
  expect(waitMs).toBeGreaterThan(200);
  await sleep(waitMs);
  expect(await clock.confirm({ ...request, host: "other" })).toBe(0);
});
