import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Road } from "../src/index.js";
import { startTestRedis, type TestRedis } from "./testRoad.js";

let redis: TestRedis;
let road: Road;
beforeAll(async () => {
  redis = await startTestRedis();
  road = await redis.road("seen");
});
afterAll(() => redis.end());

const key = (text: string | number) => createHash("sha256").update(String(text)).digest().subarray(0, 8);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => key(from + at));

test("a key is new once, within a chunk and between chunks", async () => {
  expect([...(await road.seenOnce("one", "once", ["a", "b", "a", "c"].map(key)))]).toEqual([1, 1, 0, 1]);
  expect([...(await road.seenOnce("two", "once", ["c", "d"].map(key)))]).toEqual([0, 1]);
  expect([...(await road.seenOnce("two", "another set", ["c", "d"].map(key)))]).toEqual([1, 1]);
});

test("a job run again gets the answer it got before, whatever was added meanwhile", async () => {
  const first = await road.seenOnce("job", "replay", ["x", "y", "x"].map(key));
  await road.seenOnce("other", "replay", ["y", "z"].map(key));
  expect(await road.seenOnce("job", "replay", ["x", "y", "x"].map(key))).toEqual(first);
  await road.forgetAnswer("job", "replay");
  expect([...(await road.seenOnce("job", "replay", ["x", "y", "x"].map(key)))]).toEqual([0, 0, 0]);
});

test("a job that asks for another number of keys than before is refused", async () => {
  await road.seenOnce("grows", "mismatch", range(0, 8));
  await expect(road.seenOnce("grows", "mismatch", range(0, 30))).rejects.toThrow(/must not change/);
});

test("no keys, no answer", async () => {
  expect(await road.seenOnce("empty", "none", [])).toEqual(new Uint8Array(0));
});

test("extreme keys are told apart", async () => {
  const extremes = ["0000000000000000", "ffffffffffffffff", "0000000000000080", "ffffffffffffff7f"];
  const hashes = extremes.map((hex) => Buffer.from(hex, "hex"));
  expect([...(await road.seenOnce("a", "extremes", hashes))]).toEqual([1, 1, 1, 1]);
  expect([...(await road.seenOnce("b", "extremes", hashes))]).toEqual([0, 0, 0, 0]);
});

test("nothing is forgotten or invented while the set grows, at less than 10 bytes a key", async () => {
  const connection = redis.redis.connect();
  const count = 40_000;
  const chunk = 1000;
  for (let at = 0; at < count; at += chunk) {
    // Every chunk after the first also holds keys of the one before.
    const keys = [...range(at, at + chunk), ...range(Math.max(0, at - 500), at)];
    const answer = [...(await road.seenOnce(`add-${at}`, "grown", keys))];
    expect(answer).toEqual(keys.map((_, index) => (index < chunk ? 1 : 0)));
    await road.forgetAnswer(`add-${at}`, "grown");
  }
  for (let at = 0; at < count; at += 10_000) {
    expect((await road.seenOnce(`again-${at}`, "grown", range(at, at + 10_000))).includes(1)).toBe(false);
  }
  const state = await connection.hgetall(`${road.prefix}:seen:grown`);
  expect(Number(state["count"])).toBe(count);
  const buckets = await connection.keys(`${road.prefix}:seen:grown:*`);
  expect(buckets.length).toBe(2 ** Number(state["level"]) + Number(state["split"]));
  expect(buckets.length).toBeGreaterThan(80);
  let bytes = 0;
  for (const bucket of buckets) {
    expect(await connection.object("ENCODING", bucket)).toBe("intset");
    bytes += Number(await connection.memory("USAGE", bucket, "SAMPLES", 0));
  }
  expect(bytes / count).toBeLessThan(10);
});

test("keys beside the borders of ranges stay known while these are divided", async () => {
  const borders = Array.from({ length: 64 }, (_, at) => BigInt(at) * 2n ** 58n - 2n ** 63n);
  const beside = borders.flatMap((border) => [-513n, -512n, -1n, 0n, 1n, 511n].map((gap) => border + gap));
  const hashes = beside.map((value) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt.asIntN(64, value));
    return bytes;
  });
  expect(await road.seenOnce("first", "borders", hashes)).toEqual(new Uint8Array(hashes.length).fill(1));
  await road.seenOnce("more", "borders", range(0, 40_000));
  const connection = redis.redis.connect();
  expect(Number(await connection.hget(`${road.prefix}:seen:borders`, "level"))).toBeGreaterThanOrEqual(6);
  expect(await road.seenOnce("again", "borders", hashes)).toEqual(new Uint8Array(hashes.length));
});

test("where a server keeps only small sets as integers, nothing is forgotten or invented either", async () => {
  const connection = redis.redis.connect();
  await connection.config("SET", "set-max-intset-entries", "128");
  try {
    for (let at = 0; at < 10_000; at += 1000) {
      expect([...(await road.seenOnce(`add-${at}`, "tables", range(at, at + 1000)))]).not.toContain(0);
    }
    expect([...(await road.seenOnce("again", "tables", range(0, 10_000)))]).not.toContain(1);
    const buckets = await connection.keys(`${road.prefix}:seen:tables:*`);
    const encodings = await Promise.all(buckets.map((name) => connection.object("ENCODING", name)));
    expect(encodings).toContain("hashtable");
  } finally {
    await connection.config("SET", "set-max-intset-entries", "1024");
  }
});

test("chunks that are asked for at once are told apart as if one came after the other", async () => {
  const answers = await Promise.all(
    Array.from({ length: 16 }, (_, job) =>
      road.seenOnce(`job-${job}`, "at once", range(job * 50, job * 50 + 100)),
    ),
  );
  const fresh = answers.reduce((sum, answer) => sum + answer.reduce((n, bit) => n + bit, 0), 0);
  expect(fresh).toBe(16 * 50 + 50);
});
