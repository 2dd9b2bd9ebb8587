import { setTimeout as sleep } from "node:timers/promises";
import { DiskFullError } from "@pairloom/config";
import { afterAll, beforeAll, expect, test } from "vitest";
import { jobId, runWorker, type Road } from "../src/index.js";
import { startTestRedis, until, type TestRedis } from "./testRoad.js";

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.end());

const segments = (count: number) =>
  Array.from({ length: count }, (_, at) => ({ id: jobId("s", at), data: { segment: `s${at}` } }));

async function idle(road: Road) {
  await until(() => road.isIdle());
}

test("jobs run as many at a time as asked for, each once", async () => {
  const road = await redis.road("concurrency");
  await road.add("deduper", segments(30));
  const seen: string[] = [];
  let inside = 0;
  let most = 0;
  const worker = runWorker(
    road,
    "deduper",
    async ({ data, key, id }) => {
      expect(key).toBe(`deduper/${id}`);
      most = Math.max(most, (inside += 1));
      await sleep(5);
      inside -= 1;
      seen.push(data.segment);
    },
    { concurrency: 5 },
  );
  await idle(road);
  await worker.stop();
  expect(seen.sort()).toEqual(
    segments(30)
      .map(({ data }) => data.segment)
      .sort(),
  );
  expect(most).toBe(5);
});

test("a job that fails is tried again, then set aside with its reason, and may be retried by hand", async () => {
  const road = await redis.road("failing");
  await road.add("deduper", [{ id: "job", data: { segment: "s" } }]);
  let runs = 0;
  let isMended = false;
  const worker = runWorker(road, "deduper", async () => {
    runs += 1;
    if (!isMended) throw new Error("segment is corrupt");
  });
  await idle(road);
  expect(runs).toBe(3);
  expect(await road.failedJobs()).toMatchObject([
    { queue: "deduper", id: "job", data: { segment: "s" }, reason: "segment is corrupt", attempts: 3 },
  ]);
  isMended = true;
  expect(await road.retryFailed()).toBe(1);
  await until(() => runs === 4);
  await idle(road);
  expect(await road.failedJobs()).toEqual([]);
  await worker.stop();
});

test("a payload that is no job fails at once, for good, and is counted", async () => {
  const road = await redis.road("invalid");
  await road.queues.deduper.add("deduper", { segmint: "s" }, { jobId: "job" });
  const worker = runWorker(road, "deduper", () => Promise.reject(new Error("must not run")));
  await until(async () => (await road.failedJobs()).length === 1);
  expect((await road.failedJobs())[0]?.reason).toMatch(/^Not a job for the deduper:.*segment/s);
  expect((await road.failedJobs())[0]?.attempts).toBe(1);
  expect(await road.readFunnel()).toEqual({ "jobs.invalid": 1 });
  await worker.stop();
});

test("a full disk puts the job back with all its attempts and stops the worker", async () => {
  const road = await redis.road("disk");
  await road.add("deduper", segments(5));
  const fatal: unknown[] = [];
  let runs = 0;
  const worker = runWorker(
    road,
    "deduper",
    async () => {
      runs += 1;
      throw new Error("could not publish", { cause: new DiskFullError("segments/a") });
    },
    { onFatal: (error) => fatal.push(error) },
  );
  await until(() => fatal.length > 0);
  await until(async () => (await road.counts()).deduper.waiting === 5);
  await sleep(300);
  expect(runs).toBe(1);
  expect(fatal).toHaveLength(1);
  await worker.stop();
  const after = runWorker(road, "deduper", async () => undefined);
  await idle(road);
  expect(await road.failedJobs()).toEqual([]);
  await after.stop();
});

test("a worker that is stopped lets its job finish", async () => {
  const road = await redis.road("graceful");
  await road.add("deduper", segments(3));
  let finished = 0;
  let started = 0;
  const worker = runWorker(road, "deduper", async () => {
    started += 1;
    await sleep(150);
    finished += 1;
  });
  await until(() => started === 1);
  await worker.stop();
  expect(finished).toBe(1);
  expect((await road.counts()).deduper).toMatchObject({ waiting: 2, active: 0 });
});

test("a job that outlasts the grace time is aborted and goes back without a lost attempt", async () => {
  const road = await redis.road("abort");
  await road.add("deduper", segments(1));
  let started = 0;
  const stubborn = async ({ signal }: { signal: AbortSignal }) => {
    started += 1;
    await sleep(60_000, undefined, { signal });
  };
  for (let round = 1; round <= 4; round += 1) {
    const worker = runWorker(road, "deduper", stubborn);
    await until(() => started === round);
    await worker.stop(20);
    expect((await road.counts()).deduper).toMatchObject({ waiting: 1, active: 0, failed: 0 });
  }
});

test("the road is never idle between a parent and its children", async () => {
  const road = await redis.road("family");
  await road.add("expander", [{ id: "root", data: { queries: "q", from: 0, to: 1 } }]);
  let done = 0;
  const workers = [
    runWorker(road, "expander", async () => {
      const pages = Array.from({ length: 10 }, (_, at) => ({ id: `p${at}`, data: { frontier: `f${at}` } }));
      await road.add("crawler", pages);
    }),
    runWorker(road, "crawler", async ({ id }) => {
      await sleep(Math.random() * 10);
      await road.add("fetcher", [{ id: `${id}-c`, data: { candidates: "c", from: 0, to: 1 } }]);
    }),
    runWorker(road, "fetcher", ({ id }) => road.add("deduper", [{ id: `${id}-s`, data: { segment: id } }])),
    runWorker(road, "deduper", async () => {
      await sleep(Math.random() * 5);
      done += 1;
    }),
  ];
  let looks = 0;
  while (!(await road.isIdle())) looks += 1;
  expect(done).toBe(10);
  expect(looks).toBeGreaterThan(10);
  await Promise.all(workers.map((worker) => worker.stop()));
});

test("a job's progress is there to be seen", async () => {
  const road = await redis.road("progress");
  await road.add("trainer", [{ id: "run", data: { run: "r", wish: 0 } }]);
  let isSeen = false;
  const worker = runWorker(road, "trainer", async ({ progress }) => {
    await progress({ step: 2 });
    await until(() => isSeen);
  });
  await until(async () => {
    const job = (await road.queues.trainer.getJob("run")) as { progress: unknown } | undefined;
    return JSON.stringify(job?.progress) === '{"step":2}';
  });
  isSeen = true;
  await idle(road);
  await worker.stop();
});
