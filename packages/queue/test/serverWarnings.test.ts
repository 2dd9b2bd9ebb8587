import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { serverWarnings } from "../src/redis/serverWarnings.js";
import { startTestRedis, type TestRedis } from "./testRoad.js";

let redis: TestRedis;
let connection: Redis;
beforeAll(async () => {
  redis = await startTestRedis();
  connection = redis.redis.connect();
});
afterAll(() => redis.end());
afterEach(async () => {
  await connection.config("SET", "appendonly", "yes");
  await connection.config("SET", "save", "");
  await connection.config("SET", "maxmemory-policy", "noeviction");
  await connection.config("SET", "set-max-intset-entries", "1024");
});

test("a server that keeps every change and drops nothing is not warned of", async () => {
  expect(await serverWarnings(connection)).toEqual([]);
});

test("a server that keeps nothing on disk is warned of, and one that keeps snapshots alone", async () => {
  await connection.config("SET", "appendonly", "no");
  expect(await serverWarnings(connection)).toEqual([expect.stringContaining("keeps nothing on disk")]);
  await connection.config("SET", "save", "3600 1");
  expect(await serverWarnings(connection)).toEqual([expect.stringContaining("since its last snapshot")]);
});

test("a server that may drop keys is warned of", async () => {
  await connection.config("SET", "maxmemory-policy", "allkeys-lru");
  expect(await serverWarnings(connection)).toEqual([
    expect.stringMatching(/may drop jobs.*allkeys-lru.*noeviction/),
  ]);
});

test("small integer sets are set where they can be", async () => {
  await connection.config("SET", "set-max-intset-entries", "128");
  expect(await serverWarnings(connection)).toEqual([]);
  expect(await connection.config("GET", "set-max-intset-entries")).toEqual([
    "set-max-intset-entries",
    "1024",
  ]);
});

test("a server that forbids CONFIG is asked by INFO", async () => {
  await connection.config("SET", "appendonly", "no");
  await connection.call("ACL", "SETUSER", "guest", "on", ">guest", "~*", "&*", "+@all", "-config");
  const guest = connection.duplicate({ username: "guest", password: "guest" });
  try {
    const warnings = await serverWarnings(guest);
    expect(warnings).toContainEqual(expect.stringContaining("no append-only file"));
    expect(warnings).toContainEqual(expect.stringContaining("72 bytes a URL"));
  } finally {
    guest.disconnect();
  }
});
