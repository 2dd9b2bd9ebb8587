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
  const buckets = 2 ** Number(state["level"]) + Number(state["split"]);
  expect(buckets).toBeGreaterThan(80);
  let bytes = 0;
  for (let at = 0; at < buckets; at += 1) {
    const bucket = `${road.prefix}:seen:grown:${at}`;
    expect(await connection.object("ENCODING", bucket)).toBe("intset");
    bytes += Number(await connection.memory("USAGE", bucket, "SAMPLES", 0));
  }
  expect(bytes / count).toBeLessThan(10);
});
