import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { makeSmallRelease } from "../../../packages/training/test/smallRelease.js";
import { runTrainer } from "@pairloom/service-trainer";
import { ownIdentity, processSpace } from "@pairloom/storage/lock";
import { openProject, type Project } from "../src/project/openProject.js";
import { runNames } from "../src/project/runFolders.js";
import { listRuns, showRun } from "../src/project/runSummaries.js";
import { cloneTraining, launchTraining, wishTraining } from "../src/project/trainProject.js";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let folder: string;
let release: string;
let project: Project;
beforeAll(async () => {
  ({ folder, release } = await makeSmallRelease());
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), "pairloom-jobs-"));
  await writeFile(join(dir, "pairloom.json"), JSON.stringify({ project: "jobs", sources: [] }));
  await mkdir(join(dir, "releases"));
  await cp(release, join(dir, "releases", "small"), { recursive: true });
  project = await openProject({ dir });
});
afterEach(async () => {
  await project.close();
  await rm(project.dir, { recursive: true, force: true });
});

const launch = (changes: object = {}) =>
  launchTraining(project, {
    release: "small",
    settings: { engine: "wasm", batchSize: 8, steps: 5 },
    ...changes,
  });
const waiting = async () => (await project.road.counts()).trainer.waiting;

describe("launching", () => {
  it("takes the next number, queues on the device that the engine takes, and keeps what was given", async () => {
    expect(await launch()).toEqual({ run: "run-0001" });
    expect(await launch({ priority: "high" })).toEqual({ run: "run-0002" });
    expect(await waiting()).toBe(2);
    expect(await showRun(project, "run-0002")).toMatchObject({
      state: "waiting",
      device: "cpu",
      priority: "high",
      given: { data: "releases/small", engine: "wasm", batchSize: 8, steps: 5 },
    });
  });

  it("of many at once each gets a name of its own", async () => {
    const runs = await Promise.all(Array.from({ length: 5 }, () => launch()));
    expect(new Set(runs.map(({ run }) => run)).size).toBe(5);
    expect(await waiting()).toBe(5);
  });

  it.each([
    ["release_missing", { release: "none" }],
    ["run_name_invalid", { run: "../up" }],
    ["device_invalid", { device: "tpu" }],
    ["train_settings_invalid", { settings: { steps: 0 } }],
    ["train_settings_invalid", { settings: { step: 5 } }],
  ])("refuses before anything is stored: %s", async (code, changes) => {
    await expect(launch(changes)).rejects.toMatchObject({ code });
    expect(await listRuns(project)).toEqual([]);
    expect(await waiting()).toBe(0);
  });

  it("refuses a name that is taken, also by a run begun by hand", async () => {
    await launch({ run: "mine" });
    await expect(launch({ run: "mine" })).rejects.toMatchObject({ code: "run_exists" });
    await mkdir(join(project.dir, "runs", "by-hand"), { recursive: true });
    await expect(launch({ run: "by-hand" })).rejects.toMatchObject({ code: "run_exists" });
  });
});

describe("wishes", () => {
  it("a paused job leaves the queue and comes back when it is resumed; doing it twice changes nothing", async () => {
    await launch();
    for (let twice = 0; twice < 2; twice++) {
      expect((await wishTraining(project, "run-0001", "pause")).state).toBe("paused");
      expect(await waiting()).toBe(0);
    }
    for (let twice = 0; twice < 2; twice++) {
      expect((await wishTraining(project, "run-0001", "resume")).state).toBe("waiting");
      expect(await waiting()).toBe(1);
    }
  });

  it("many that wish at once leave one wish after another, and one job", async () => {
    await launch();
    await Promise.all(
      (["pause", "resume", "pause", "resume", "pause"] as const).map((wish) =>
        wishTraining(project, "run-0001", wish),
      ),
    );
    await wishTraining(project, "run-0001", "resume");
    expect((await showRun(project, "run-0001")).state).toBe("waiting");
    expect(await waiting()).toBe(1);
  });

  it("a cancelled one can't be brought back", async () => {
    await launch();
    expect((await wishTraining(project, "run-0001", "cancel")).state).toBe("cancelled");
    await expect(wishTraining(project, "run-0001", "resume")).rejects.toMatchObject({
      code: "run_is_cancelled",
    });
    await expect(wishTraining(project, "run-0009", "pause")).rejects.toMatchObject({ code: "run_missing" });
  });

  it("a resume whose job never came to the queue is queued by the next one", async () => {
    await launch();
    await project.road.removeJob("trainer", "t-run-0001-0");
    expect((await wishTraining(project, "run-0001", "resume")).state).toBe("waiting");
    expect(await waiting()).toBe(1);
  });
});

describe("cloning", () => {
  it("takes the settings as they were given, with changes, and says where it comes from", async () => {
    await launch({ priority: "low" });
    const { run } = await cloneTraining(project, "run-0001", { settings: { lr: 0.5, epochs: 2 } });
    const clone = await showRun(project, run);
    expect(clone).toMatchObject({ clonedFrom: "run-0001", priority: "low", device: "cpu" });
    expect(clone.given).toEqual({ data: "releases/small", engine: "wasm", batchSize: 8, lr: 0.5, epochs: 2 });
  });

  it("a run's job is stored beside it for good", async () => {
    await launch();
    const stored = await readFile(join(project.dir, "runs", "run-0001", "job", "000000.json"), "utf8");
    expect(JSON.parse(stored)).toMatchObject({ version: 1, run: "run-0001", clonedFrom: null });
  });
});

it("a job whose run another process has waits, and says who that is and what to do", async () => {
  const { run } = await launch();
  const since = "2026-11-05T20:11:00.000Z";
  const holder = { ...ownIdentity(), space: processSpace(), host: "build-3", since };
  await writeFile(join(project.dir, "runs", run, "run.lock.1"), JSON.stringify(holder));
  const trainer = runTrainer(
    {
      road: project.road,
      store: project.store,
      spawn: () => Promise.reject(new Error("no process is started")),
      runNames: () => runNames(project.dir),
      isFinished: () => Promise.resolve(false),
      readProgress: () => Promise.resolve({}),
    },
    { devices: ["cpu"], log: () => {}, onFatal: () => {}, lockFolder: join(project.dir, "locks") },
  );
  try {
    const reason =
      `its folder is locked by process ${process.pid} on host build-3, since ${since}. ` +
      "Wait until that one ends, stop it there, or cancel this job";
    await expect
      .poll(() => showRun(project, run), { timeout: 20_000 })
      .toMatchObject({ state: "waiting", reason });
    await wishTraining(project, run, "cancel");
    await expect.poll(() => showRun(project, run), { timeout: 20_000 }).toMatchObject({ reason: null });
  } finally {
    await trainer.stop();
  }
});
