import type { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openRoad, runWorker, type EpochRecord, type Road } from "../src/index.js";
import { impatient, startTestRedis, until, type TestRedis } from "./testRoad.js";

let redis: TestRedis;
let connection: Redis;
beforeAll(async () => {
  redis = await startTestRedis();
  connection = redis.redis.connect();
});
afterAll(() => redis.end());

let tests = 0;
let project: string;
let key: string;
let roads: Road[] = [];
beforeEach(() => {
  project = `epoch-${tests++}`;
  key = `pl:{${project}}:epoch`;
});
afterEach(async () => {
  await Promise.all(roads.map((road) => road.close()));
  roads = [];
});

/** A store's part, in memory. */
class Record implements EpochRecord {
  readonly remedy = "pairloom up --dir data --mend";
  readonly epochs: string[] = [];
  work = false;
  onPublish: () => Promise<void> = async () => undefined;
  newest = async () => this.epochs.at(-1) ?? null;
  holdsWork = async () => this.work;
  publish = async (epoch: string, before: string | null) => {
    await this.onPublish();
    if ((this.epochs.at(-1) ?? null) === before) this.epochs.push(epoch);
    return this.epochs.at(-1) ?? epoch;
  };
}

async function open(epochs: EpochRecord, evenForgotten = false): Promise<Road> {
  const road = await openRoad(redis.redis, project, { tuning: impatient, epochs, evenForgotten });
  roads.push(road);
  return road;
}

/** All keys of the project, gone at once. */
async function forget(): Promise<void> {
  const keys = await connection.keys(`pl:{${project}}:*`);
  if (keys.length > 0) await connection.unlink(...keys);
}

const forgot = {
  code: "redis_forgot",
  exitCode: 1,
  hint: expect.stringContaining("up --dir data --mend") as string,
};

describe("the epoch of a project's queues", () => {
  test("the first use agrees on one, and so do processes that come at once", async () => {
    const record = new Record();
    await Promise.all([open(record), open(record), open(record)]);
    expect(record.epochs).toHaveLength(1);
    expect(await connection.get(key)).toBe(record.epochs[0]);
    await (await open(record)).checkEpoch();
  });

  test("a process killed between the steps of the first use leaves nothing that looks like a loss", async () => {
    const record = new Record();
    record.onPublish = () => Promise.reject(new Error("killed"));
    await expect(open(record)).rejects.toThrow("killed");
    record.onPublish = async () => undefined;
    await open(record);
    expect(await connection.get(key)).toBe(record.epochs[0]);
    // Published, and killed before Redis was told.
    await connection.set(key, `pending ${record.epochs[0] ?? ""}`);
    await open(record);
    expect(await connection.get(key)).toBe(record.epochs[0]);
  });

  test("a Redis that lost everything is told from one whose queues are empty, at once and by whoever comes later", async () => {
    const record = new Record();
    const road = await open(record);
    expect(await road.isIdle()).toBe(true);
    await forget();
    await expect(road.isIdle()).rejects.toMatchObject(forgot);
    await expect(road.counts()).rejects.toMatchObject(forgot);
    await expect(road.checkEpoch()).rejects.toMatchObject(forgot);
    await expect(open(record)).rejects.toMatchObject(forgot);
    await expect((await open(record, true)).isIdle()).rejects.toMatchObject(forgot);
  });

  test("no URL is new to a set that was lost", async () => {
    const road = await open(new Record());
    const keys = [Buffer.alloc(8, 1)];
    expect([...(await road.seenOnce("one", "urls", keys))]).toEqual([1]);
    await forget();
    await expect(road.seenOnce("two", "urls", keys)).rejects.toMatchObject(forgot);
    expect(await connection.keys(`pl:{${project}}:seen:*`)).toEqual([]);
  });

  test("another project's Redis, or one without the store, isn't ours", async () => {
    const record = new Record();
    const road = await open(record);
    await connection.set(key, "somebody else's");
    await expect(road.isIdle()).rejects.toMatchObject(forgot);
    await connection.set(key, record.epochs[0] ?? "");
    await road.checkEpoch();
    record.epochs.length = 0;
    await expect(open(record)).rejects.toMatchObject(forgot);
  });

  test("a project of an earlier version is adopted where Redis holds its queues, and only there", async () => {
    const record = new Record();
    record.work = true;
    await expect(open(record)).rejects.toMatchObject(forgot);
    const earlier = await openRoad(redis.redis, project, { tuning: impatient });
    roads.push(earlier);
    await earlier.add("crawler", [{ id: "c-1", data: { frontier: "frontier/1" } }]);
    await open(record);
    expect(record.epochs).toHaveLength(1);
  });

  test("a project of an earlier version whose queues are empty is adopted by its counters", async () => {
    const record = new Record();
    record.work = true;
    const earlier = await openRoad(redis.redis, project, { tuning: impatient });
    roads.push(earlier);
    await earlier.countOnce("job", { "crawler.pages": 1 });
    await open(record);
    expect(record.epochs).toHaveLength(1);
  });

  test("mending takes out what Redis holds of the project, and of no other; meanwhile nobody else goes on", async () => {
    const record = new Record();
    const road = await open(record);
    const other = await openRoad(redis.redis, `${project}-2`, { tuning: impatient });
    roads.push(other);
    for (const one of [road, other]) {
      await one.add("crawler", [{ id: "c-1", data: { frontier: "frontier/1" } }]);
      await one.countOnce("job", { "crawler.pages": 1 });
      await one.seenOnce("job", "urls", [Buffer.alloc(8, 1)]);
    }
    await road.pause(["fetcher"]);
    const beside = await open(record);
    await road.beginMending();
    await expect(beside.isIdle()).rejects.toMatchObject(forgot);
    expect(await road.readFunnel()).toEqual({});
    expect([...(await road.seenOnce("again", "urls", [Buffer.alloc(8, 1)]))]).toEqual([1]);
    await expect(open(record)).rejects.toMatchObject(forgot); // killed here, it is still to be mended
    await road.endMending();
    await beside.checkEpoch();
    expect(record.epochs).toHaveLength(2);
    const { crawler, fetcher } = await road.counts();
    expect([crawler.waiting, fetcher.paused]).toEqual([0, true]);
    expect((await other.counts()).crawler.waiting).toBe(1);
    expect(await other.readFunnel()).toEqual({ "crawler.pages": 1 });
  });

  test("a worker gives up its job at once, takes no other, and says why", async () => {
    const road = await open(new Record());
    const failures: unknown[] = [];
    const ran: string[] = [];
    let aborted = false;
    const worker = runWorker(
      road,
      "crawler",
      async ({ id, signal }) => {
        ran.push(id);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        aborted = true;
        throw signal.reason;
      },
      { onFatal: (error) => failures.push(error) },
    );
    await road.add("crawler", [{ id: "c-1", data: { frontier: "frontier/1" } }]);
    await until(() => ran.length === 1);
    await forget();
    await until(() => failures.length > 0);
    expect(failures[0]).toMatchObject(forgot);
    await until(() => aborted);
    await road.add("crawler", [{ id: "c-2", data: { frontier: "frontier/2" } }]);
    await worker.stop();
    expect(ran).toEqual(["c-1"]);
  });
});
