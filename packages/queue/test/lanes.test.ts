import { afterAll, beforeAll, expect, it } from "vitest";
import { FinalJobError, runWorker, type RunningWorker } from "../src/index.js";
import { startTestRedis, until, type TestRedis } from "./testRoad.js";

let test: TestRedis;
beforeAll(async () => {
  test = await startTestRedis();
});
afterAll(() => test.end());

const run = (name: string) => ({ id: `t-${name}`, data: { run: name, wish: 0 } });

it("a lane's jobs are done by its own worker alone, and count as the queue's", async () => {
  const road = await test.road("lanes");
  const done: string[] = [];
  await road.add("trainer", [run("on-cpu"), { ...run("on-gpu"), lane: "gpu:0" }]);
  expect((await road.counts()).trainer.waiting).toBe(2);
  expect(await road.jobPlace("trainer", "t-on-gpu")).toBeNull();
  expect((await road.jobPlace("trainer", "t-on-gpu", "gpu:0"))?.state).toBe("waiting");
  const workers: RunningWorker[] = [];
  const serve = (lane?: string) =>
    workers.push(
      runWorker(road, "trainer", async ({ data }) => void done.push(`${lane ?? "cpu"} ${data.run}`), {
        lane,
      }),
    );
  serve("gpu:0");
  await until(() => done.length === 1);
  expect(done).toEqual(["gpu:0 on-gpu"]);
  expect(await road.isIdle(["trainer"])).toBe(false);
  serve();
  await until(() => road.isIdle(["trainer"]));
  expect(done).toEqual(["gpu:0 on-gpu", "cpu on-cpu"]);
  await Promise.all(workers.map((worker) => worker.stop()));
});

it("a more urgent job goes first; one that waits can be taken out", async () => {
  const road = await test.road("urgent");
  const done: string[] = [];
  await road.add("trainer", [
    { ...run("normal"), priority: 100 },
    { ...run("given-up"), priority: 100 },
    { ...run("urgent"), priority: 10 },
  ]);
  expect(await road.removeJob("trainer", "t-given-up")).toBe(true);
  expect(await road.jobPlace("trainer", "t-given-up")).toBeNull();
  const worker = runWorker(road, "trainer", async ({ data }) => void done.push(data.run));
  await until(() => road.isIdle(["trainer"]));
  expect(done).toEqual(["urgent", "normal"]);
  await worker.stop();
});

it("a job that a worker has can't be taken out, and a final error ends it at once", async () => {
  const road = await test.road("final");
  let end: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => (end = resolve));
  let runs = 0;
  await road.add("trainer", [{ ...run("bad"), lane: "gpu:1" }]);
  const worker = runWorker(
    road,
    "trainer",
    async () => {
      runs += 1;
      await asked;
      throw new FinalJobError("as bad as before");
    },
    { lane: "gpu:1" },
  );
  await until(() => runs === 1);
  expect(await road.removeJob("trainer", "t-bad", "gpu:1")).toBe(false);
  end();
  await until(async () => (await road.counts()).trainer.failed === 1);
  expect(await road.jobPlace("trainer", "t-bad", "gpu:1")).toMatchObject({
    state: "failed",
    reason: "as bad as before",
  });
  expect((await road.failedJobs(["trainer"])).map(({ id }) => id)).toEqual(["t-bad"]);
  expect(runs).toBe(1);
  await worker.stop();
});

it("a new lane of a paused queue rests as well", async () => {
  const road = await test.road("resting");
  await road.pause(["trainer"]);
  let runs = 0;
  await road.add("trainer", [{ ...run("later"), lane: "gpu:0" }]);
  const worker = runWorker(road, "trainer", async () => void (runs += 1), { lane: "gpu:0" });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(runs).toBe(0);
  await road.resume(["trainer"]);
  await until(() => runs === 1);
  await worker.stop();
});
