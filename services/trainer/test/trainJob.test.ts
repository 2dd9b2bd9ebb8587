import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openRedis, openRoad, type RedisHandle, type Road } from "@pairloom/queue";
import { openStore, type Store } from "@pairloom/storage";
import { ownIdentity, processSpace } from "@pairloom/storage/lock";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import {
  deviceLane,
  publishRunJob,
  publishWish,
  putBackTrainings,
  queueTraining,
  readRunJob,
  runTrainer,
  type RunJob,
  type RunningTrainer,
  type TrainingEnd,
  trainingJobId,
  type WishKind,
} from "../src/index.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let root: string;
let redis: RedisHandle;
let road: Road;
let store: Store;
let projects = 0;
const trainers: RunningTrainer[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "trainer-"));
  redis = await openRedis({ dir: root });
});
afterAll(async () => {
  await redis?.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(async () => {
  const name = `project-${projects++}`;
  road = await openRoad(redis, name, {
    tuning: { lockDurationMs: 1000, stalledIntervalMs: 300, backoffMs: 10, attempts: 3 },
  });
  store = await openStore(join(root, name));
  finished.clear();
  started.length = 0;
  running = 0;
  mostAtOnce = 0;
});
afterEach(async () => {
  await Promise.all(trainers.splice(0).map((trainer) => trainer.stop()));
  await road.close();
});

/** Trainings that only wait: until they are asked to end, or for as long as they last. */
const finished = new Set<string>();
const started: string[] = [];
let running = 0;
let mostAtOnce = 0;
const end = (some: Partial<TrainingEnd>): TrainingEnd => ({
  exitCode: 0,
  signal: null,
  status: "finished",
  error: null,
  ...some,
});

function startTrainer(
  lasts: (run: string) => number | TrainingEnd,
  devices: readonly string[] = ["cpu"],
  leaseMs?: number,
): RunningTrainer {
  const trainer = runTrainer(
    {
      road,
      store,
      spawn: async ({ job }, signal) => {
        started.push(job.run);
        running += 1;
        mostAtOnce = Math.max(mostAtOnce, running);
        const answer = lasts(job.run);
        try {
          if (typeof answer !== "number") return answer;
          const asked = await new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => resolve(false), answer);
            const stop = () => {
              clearTimeout(timer);
              resolve(true);
            };
            signal.addEventListener("abort", stop);
            if (signal.aborted) stop();
          });
          if (asked) return end({ status: "stopped" });
          finished.add(job.run);
          return end({});
        } finally {
          running -= 1;
        }
      },
      runNames: async () => [...names],
      isFinished: async (run) => finished.has(run),
      readProgress: async () => ({}),
    },
    { devices, log: () => undefined, onFatal: () => undefined, lockFolder: join(root, "locks"), leaseMs },
  );
  trainers.push(trainer);
  return trainer;
}

const names = new Set<string>();
async function publish(run: string, device = "cpu", priority = 100): Promise<void> {
  names.add(run);
  const job: RunJob = {
    version: 1,
    run,
    settings: { data: "releases/a" },
    device,
    priority,
    clonedFrom: null,
    asked: "2026-01-01T00:00:00.000Z",
  };
  expect(await publishRunJob(store, job)).toBe("published");
}
async function launch(run: string, device = "cpu", priority = 100): Promise<void> {
  await publish(run, device, priority);
  await queueTraining(road, (await readRunJob(store, run))!);
}
async function wish(run: string, kind: WishKind): Promise<void> {
  expect(await publishWish(store, (await readRunJob(store, run))!, kind)).toBe(true);
}
const idle = () => expect.poll(() => road.isIdle(["trainer"]), { timeout: 20_000 }).toBe(true);
const place = async (run: string) => {
  const { job, train } = (await readRunJob(store, run))!;
  return road.jobPlace("trainer", trainingJobId(run, train), deviceLane(job.device));
};

describe("the trainer", () => {
  it("does one training at a time on a device, in order, also with several trainers", async () => {
    for (const run of ["a", "b", "c"]) await launch(run);
    await launch("first", "cpu", 10);
    startTrainer(() => 150);
    startTrainer(() => 150);
    await idle();
    expect(started).toEqual(["first", "a", "b", "c"]);
    expect(mostAtOnce).toBe(1);
  });

  it("does trainings of different devices at the same time", async () => {
    await launch("on-cpu");
    await launch("on-gpu", "gpu:0");
    startTrainer(() => 1000, ["cpu", "gpu:0"]);
    await idle();
    expect(mostAtOnce).toBe(2);
  });

  it("ends a training that is to pause, goes on with others, and with it when it is resumed", async () => {
    await launch("long");
    await launch("next");
    startTrainer((run) => (run === "long" && !started.includes("next") ? 60_000 : 50));
    await expect.poll(() => started).toEqual(["long"]);
    await wish("long", "pause");
    await idle();
    expect(started).toEqual(["long", "next"]);
    expect(finished).toEqual(new Set(["next"]));
    await wish("long", "train");
    await queueTraining(road, (await readRunJob(store, "long"))!);
    await idle();
    expect(started).toEqual(["long", "next", "long"]);
    expect(finished).toContain("long");
  });

  it("a wish that was stored but not acted on counts: a cancelled job is never begun, a resumed one is put back", async () => {
    await launch("given-up");
    await wish("given-up", "cancel"); // killed here: its job is still queued
    await launch("paused");
    await wish("paused", "pause");
    await wish("paused", "train"); // killed here: the new job was never queued
    await publish("launched"); // killed between both
    startTrainer(() => 20);
    await expect.poll(() => finished, { timeout: 20_000 }).toEqual(new Set(["paused", "launched"]));
    await idle();
    expect(started.sort()).toEqual(["launched", "paused"]);
  });

  it("putting back changes nothing for jobs that are there, failed ones too", async () => {
    await launch("bad");
    startTrainer(() =>
      end({ exitCode: 1, status: null, error: { code: "lr", message: "no such rate", hint: "lower" } }),
    );
    await expect.poll(async () => (await place("bad"))?.state, { timeout: 20_000 }).toBe("failed");
    expect((await place("bad"))?.reason).toBe("no such rate. lower");
    await putBackTrainings({ road, store, isFinished: async () => false }, ["bad"], new Set());
    expect((await road.counts()).trainer).toMatchObject({ waiting: 0, failed: 1 });
    expect(started).toEqual(["bad"]); // a user's error isn't tried again
  });

  it("tries a training again whose process was killed, and stops trying at some time", async () => {
    await launch("out-of-memory");
    startTrainer(() => end({ exitCode: null, signal: "SIGKILL", status: null }));
    await expect.poll(async () => (await place("out-of-memory"))?.state, { timeout: 20_000 }).toBe("failed");
    expect(started).toHaveLength(3);
    expect((await place("out-of-memory"))?.reason).toContain("SIGKILL");
  });

  it("waits while a process that was left behind is still in the run's folder", async () => {
    await launch("a");
    const locked = end({ exitCode: 1, status: null, error: { code: "run_locked", message: "", hint: null } });
    startTrainer(() => (started.length < 3 ? locked : 10));
    await idle();
    expect(started).toHaveLength(3);
    expect(finished).toContain("a");
  });

  it("starts no process while one elsewhere trains in the run's folder, says which, and goes on when its lock expires", async () => {
    await launch("a");
    const lock = join(store.localPath("runs/a")!, "run.lock.1");
    const host = { pid: 71, ticks: "5", space: "another-boot/pid:[1]", host: "build-3" };
    await writeFile(lock, JSON.stringify({ ...host, since: "2026-11-05T20:11:00.000Z" }));
    const beat = setInterval(() => void utimes(lock, Date.now() / 1000, Date.now() / 1000), 200);
    try {
      startTrainer(() => 10, ["cpu"], 1500);
      const told = async () => (await place("a"))?.progress;
      await expect
        .poll(told)
        .toEqual({ lockedBy: "process 71 on host build-3, since 2026-11-05T20:11:00.000Z" });
      await sleep(4000); // also while the job's progress is told again
      expect(await told()).toHaveProperty("lockedBy");
      expect(started).toEqual([]);
    } finally {
      clearInterval(beat);
    }
    await idle();
    expect(started).toEqual(["a"]);
  });

  it("a job that waits for a locked run can be cancelled", async () => {
    await launch("a");
    const lock = join(store.localPath("runs/a")!, "run.lock.1");
    await writeFile(lock, JSON.stringify({ ...ownIdentity(), space: processSpace() }));
    startTrainer(() => 10);
    await expect.poll(async () => (await place("a"))?.progress).toHaveProperty("lockedBy");
    await wish("a", "cancel");
    await idle();
    expect(started).toEqual([]);
  });

  it("the lock of a process that is dead, by an older version, holds nothing up", async () => {
    await launch("a");
    await writeFile(join(store.localPath("runs/a")!, "run.lock"), `${hostname()} ${process.pid} 1`);
    startTrainer(() => 10);
    await idle();
    expect(started).toEqual(["a"]);
  });

  it("puts its job back when it stops, for the next trainer", async () => {
    await launch("long");
    const trainer = startTrainer(() => 60_000);
    await expect.poll(() => started).toEqual(["long"]);
    await trainer.stop();
    expect((await place("long"))?.state).toBe("waiting");
    startTrainer(() => 10);
    await idle();
    expect(finished).toContain("long");
  });
});

describe("wishes", () => {
  it("of two at once the first is stored, the second is told to look again", async () => {
    await publish("a");
    const seen = (await readRunJob(store, "a"))!;
    expect(await publishWish(store, seen, "pause")).toBe(true);
    expect(await publishWish(store, seen, "cancel")).toBe(false);
    expect(await readRunJob(store, "a")).toMatchObject({ wish: "pause", number: 1, train: 0 });
  });

  it("a run's name is claimed once", async () => {
    await publish("taken");
    const { job } = (await readRunJob(store, "taken"))!;
    expect(await publishRunJob(store, { ...job, device: "gpu:0" })).toBe("exists");
    expect((await readRunJob(store, "taken"))!.job.device).toBe("cpu");
  });
});
