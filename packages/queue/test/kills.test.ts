import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { jobId, type Road } from "../src/index.js";
import { startChild, type Child } from "./startChild.js";
import { killServer, startTestRedis, until, type TestRedis } from "./testRoad.js";

const jobs = 60;
let redis: TestRedis;
let road: Road;
beforeEach(async () => {
  redis = await startTestRedis();
  road = await redis.road("kills");
  await road.add(
    "fetcher",
    Array.from({ length: jobs }, (_, at) => ({
      id: jobId("c", at),
      data: { candidates: "c", from: at * 10, to: at * 10 + 10 },
    })),
  );
});
afterEach(() => redis.end());

async function expectExactCounts() {
  await until(() => road.isIdle(), 90_000);
  expect(await road.readFunnel()).toEqual({ deduped: jobs, fetched: jobs * 10 });
  expect(await road.failedJobs()).toEqual([]);
}

test("jobs of workers that are killed are run again, and counted once", async () => {
  const start = () => startChild("work", redis.dir, "kills");
  let workers: Child[] = await Promise.all([start(), start()]);
  for (let round = 0; round < 3; round += 1) {
    await sleep(40);
    const [victim, other] = workers;
    await victim?.kill();
    workers = [...(other ? [other] : []), await start()];
  }
  await expectExactCounts();
  await Promise.all(workers.map((worker) => worker.end()));
});

test("workers go on when Redis is killed under them, and nothing is lost or counted twice", async () => {
  const workers = await Promise.all([0, 1].map(() => startChild("work", redis.dir, "kills")));
  for (let round = 0; round < 4; round += 1) {
    await sleep(60);
    await killServer(redis.dir);
    await road.counts();
  }
  await expectExactCounts();
  await Promise.all(workers.map((worker) => worker.end()));
});
