import { afterAll, beforeAll, expect, test } from "vitest";
import { jobId, runWorker, type JobData, type QueueName } from "../src/index.js";
import { startTestRedis, until, type TestRedis } from "./testRoad.js";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.end());

const candidates = (from: number) => ({ candidates: "candidates/a.jsonl.gz", from, to: from + 10 });

test("a job that is there already is not added twice", async () => {
  const road = await redis.road("ids");
  const jobs = [0, 10, 0].map((from) => ({ id: jobId("a", from), data: candidates(from) }));
  await road.add("fetcher", jobs);
  await road.add("fetcher", jobs);
  expect((await road.counts()).fetcher).toEqual({
    waiting: 2,
    active: 0,
    delayed: 0,
    failed: 0,
    paused: false,
  });
});

test("job ids depend on their parts alone", () => {
  expect(jobId("a", 1)).toBe(jobId("a", 1));
  expect(new Set([jobId("a", 1), jobId("a1"), jobId("a", "1"), jobId("a", 2)]).size).toBe(4);
  expect(jobId("x:y")).toMatch(/^j[0-9a-f]{24}$/);
});

test.each(["a:b", "17", ""])("the job id %j is refused", async (id) => {
  const road = await redis.road("bad-ids");
  await expect(road.add("deduper", [{ id, data: { segment: "s" } }])).rejects.toThrow(/job id/);
});

test.each<[QueueName, unknown]>([
  ["expander", { queries: "queries/a", from: 5, to: 5 }],
  ["crawler", { frontier: "" }],
  ["fetcher", { candidates: "candidates/a", from: 0, to: 1, more: true }],
  ["deduper", {}],
  ["sharder", { release: "r", part: "middle" }],
  ["trainer", { run: "r", settings: {} }],
])("a job that the %s cannot read is not added", async (queue, data) => {
  const road = await redis.road("bad-data");
  await expect(road.add(queue, [{ id: "job", data: data as JobData }])).rejects.toThrow();
  expect(await road.isIdle()).toBe(true);
});

test("projects in one Redis do not see each other", async () => {
  const one = await redis.road("one");
  const two = await redis.road("two");
  await one.add("deduper", [{ id: "job", data: { segment: "s" } }]);
  await one.countOnce("job", { kept: 1 });
  expect([await one.isIdle(), await two.isIdle()]).toEqual([false, true]);
  expect(await two.readFunnel()).toEqual({});
});

test("a paused road takes no jobs until it is resumed", async () => {
  const road = await redis.road("paused");
  let runs = 0;
  await road.pause();
  await road.add("deduper", [{ id: "job", data: { segment: "s" } }]);
  const worker = runWorker(road, "deduper", async () => void (runs += 1));
  expect((await road.counts()).deduper).toMatchObject({ waiting: 1, paused: true });
  expect(await road.isIdle()).toBe(false);
  expect(runs).toBe(0);
  await road.resume();
  await until(() => road.isIdle());
  expect(runs).toBe(1);
  await worker.stop();
});

test("a job counts once, however often it is run", async () => {
  const road = await redis.road("counters");
  expect(await road.countOnce("fetcher/a", { fetched: 3, "refused.http_404": 1, none: 0 })).toBe(true);
  expect(await road.countOnce("fetcher/a", { fetched: 3 })).toBe(false);
  expect(await road.countOnce("fetcher/b", { fetched: 4 })).toBe(true);
  expect(await road.countOnce("fetcher/c", {})).toBe(true);
  expect(await road.readFunnel()).toEqual({ fetched: 7, "refused.http_404": 1 });
});
