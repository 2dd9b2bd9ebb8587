import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFile,
  copyFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  truncate,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@pairloom/config";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRelease } from "../src/data/openRelease.js";
import { formerFingerprint } from "../src/data/releaseFingerprint.js";
import { readMetrics } from "../src/run/metricsLog.js";
import { resolveTrainSettings, type TrainSettingsInput } from "../src/settings/trainSettings.js";
import { train } from "../src/train.js";
import { makeSmallRelease } from "./smallRelease.js";

let engine: Engine;
let folder: string;
let release: string;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
  ({ folder, release } = await makeSmallRelease());
});
afterAll(async () => {
  await engine.dispose();
  await rm(folder, { recursive: true });
});

let runs = 0;
function settingsOf(more: TrainSettingsInput = {}) {
  return resolveTrainSettings({
    data: release,
    model: join(folder, "small.json"),
    out: join(folder, `run${runs++}`),
    steps: 8,
    batchSize: 5,
    warmup: 2,
    checkpointEvery: 3,
    seed: 3,
    preflightSeconds: 0,
    ...more,
  });
}

const digestsOf = async (run: string, step: number) => {
  const base = join(run, "checkpoints", `step-${String(step).padStart(6, "0")}`);
  const digest = async (path: string) =>
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex");
  return Promise.all([digest(`${base}.safetensors`), digest(`${base}.optimizer`)]);
};
const refusal = async (work: Promise<unknown>): Promise<UserError> => {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof UserError) return error;
  throw new Error("nothing was refused", { cause: error });
};

test("a run writes metrics for each step, and the last K checkpoints", async () => {
  const before = tf.memory().numTensors;
  const settings = settingsOf({ keepLast: 2 });
  const result = await train(settings, { engine });
  expect(result).toMatchObject({ status: "finished", step: 8, steps: 8, samples: 40 });
  const names = (await readdir(join(settings.out, "checkpoints"))).filter((name) =>
    name.endsWith(".safetensors"),
  );
  expect(names.sort()).toEqual(["step-000006.safetensors", "step-000008.safetensors"]);
  expect(result.checkpoint).toBe(join(settings.out, "checkpoints", "step-000008.safetensors"));
  const metrics = await readMetrics(settings.out);
  expect(metrics.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(new Set(metrics.map((line) => "tensors" in line && line.tensors)).size).toBe(1);
  expect(tf.memory().numTensors).toBe(before);
});

test.each([
  ["in memory", "small.json", {}],
  ["in memory, a ResNet", "resnet.json", {}],
  ["streamed", "small.json", { cacheMegabytes: 0, shuffleWindow: 7 }],
])("a run stopped by its signal goes on bit for bit (%s)", async (_, model, more) => {
  const whole = settingsOf({ model: join(folder, model), ...more });
  await train(whole, { engine });
  const stopped = settingsOf({ model: join(folder, model), ...more });
  const stop = new AbortController();
  const first = await train(stopped, {
    engine,
    signal: stop.signal,
    onStep: ({ step }) => step === 4 && stop.abort(),
  });
  expect(first).toMatchObject({ status: "stopped", step: 4 });
  const second = await train({ ...stopped, resume: true }, { engine });
  expect(second).toMatchObject({ status: "finished", step: 8 });
  expect(await digestsOf(stopped.out, 8)).toEqual(await digestsOf(whole.out, 8));
  const losses = async (run: string) => (await readMetrics(run)).map((line) => "loss" in line && line.loss);
  expect(await losses(stopped.out)).toEqual(await losses(whole.out));
});

test("a run killed at once goes on bit for bit, without doubled lines in its metrics", async () => {
  const whole = settingsOf();
  await train(whole, { engine });
  const killed = settingsOf();
  await killAfterStep(killed, 5);
  const result = await train({ ...killed, resume: true }, { engine });
  expect(result).toMatchObject({ status: "finished", step: 8 });
  expect(await digestsOf(killed.out, 8)).toEqual(await digestsOf(whole.out, 8));
  expect((await readMetrics(killed.out)).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

/** Trains in a process of its own and kills it with SIGKILL as soon as it reports the step. */
async function killAfterStep(settings: object, step: number): Promise<void> {
  const script = `
    import { loadEngine } from "@pairloom/engine";
    import { train } from "@pairloom/training";
    const engine = await loadEngine("wasm", { threads: 1 });
    await train(${JSON.stringify(settings)}, { engine, onStep: ({ step }) => process.stdout.write("step " + step + "\\n") });`;
  const cwd = join(dirname(fileURLToPath(import.meta.url)), "..");
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (output.includes(`step ${step}\n`)) child.kill("SIGKILL");
  });
  const signal = await new Promise((done) => child.on("exit", (_, by) => done(by)));
  expect(signal).toBe("SIGKILL");
}

test("a damaged newest checkpoint: the run goes on from the one before, to the same bits", async () => {
  const whole = settingsOf({ keepLast: 9 });
  await train(whole, { engine });
  const good = await digestsOf(whole.out, 8);
  for (const step of [6, 8])
    await truncate(join(whole.out, "checkpoints", `step-00000${step}.safetensors`), 999);
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const result = await train({ ...whole, resume: true }, { engine, log });
  expect(result).toMatchObject({ status: "finished", step: 8, samples: 25 });
  expect(lines.filter((line) => line.includes("damaged"))).toHaveLength(2);
  expect(await digestsOf(whole.out, 8)).toEqual(good);
});

test("a run none of whose checkpoints can be read, or is left, does not begin again at step 1", async () => {
  const settings = settingsOf({ keepLast: 9 });
  await train(settings, { engine });
  const again = () => refusal(train({ ...settings, resume: true }, { engine }));
  const checkpoints = join(settings.out, "checkpoints");
  for (const name of await readdir(checkpoints))
    if (name.endsWith(".safetensors")) await truncate(join(checkpoints, name), 999);
  for (let at = 0; at < 2; at++) expect((await again()).code).toBe("checkpoints_unreadable");
  await rm(checkpoints, { recursive: true });
  const missing = await again();
  expect(missing.code).toBe("checkpoints_missing");
  expect(missing.message).toContain("8 steps");
  // nothing of what it had measured is gone
  expect(await readMetrics(settings.out)).toHaveLength(8);
  await rm(join(settings.out, "metrics.jsonl"));
  expect(await train({ ...settings, resume: true }, { engine })).toMatchObject({
    status: "finished",
    samples: 40,
  });
});

test("a finished run that is resumed does nothing more", async () => {
  const settings = settingsOf();
  await train(settings, { engine });
  expect(await train({ ...settings, resume: true }, { engine })).toMatchObject({
    status: "finished",
    samples: 0,
  });
});

test("a run folder isn't taken by another run, nor resumed with other settings or data", async () => {
  const settings = settingsOf();
  await train(settings, { engine });
  expect((await refusal(train(settings, { engine }))).code).toBe("run_exists");
  const other = await refusal(train({ ...settings, resume: true, lr: 0.5 }, { engine }));
  expect(other.code).toBe("resume_differs");
  expect(other.message).toContain("`lr`");
  const copy = join(folder, "other-release");
  await cp(release, copy, { recursive: true });
  await writeFile(join(copy, "00000.parquet"), "another table");
  const moved = await refusal(train({ ...settings, resume: true, data: copy }, { engine }));
  expect(moved.message).toContain("the release is another");
});

/** Another release with the same names and sizes, also of every member: one letter of each caption is another. */
async function makeOtherRelease(): Promise<string> {
  const other = join(folder, "other-data");
  await cp(release, other, { recursive: true });
  for (const shard of ["00000.tar", "00001.tar"]) {
    const text = (await readFile(join(other, shard))).toString("latin1");
    await writeFile(join(other, shard), text.replaceAll(" square on ", " circle on "), "latin1");
  }
  return other;
}

test("a run isn't resumed on other data of the same names and sizes, and its record keeps saying what it was trained on", async () => {
  const settings = settingsOf();
  await train(settings, { engine });
  const record = await readFile(join(settings.out, "run.json"), "utf8");
  const other = await refusal(
    train({ ...settings, resume: true, data: await makeOtherRelease() }, { engine }),
  );
  expect(other.code).toBe("resume_differs");
  expect(other.message).toContain(`the release is another than the run was begun with (${release})`);
  expect(await readFile(join(settings.out, "run.json"), "utf8")).toBe(record);
});

test("a run is resumed where its data were moved or copied", async () => {
  const settings = settingsOf();
  await train(settings, { engine });
  const copy = join(folder, "moved", "release");
  await cp(release, copy, { recursive: true });
  const resumed = await train({ ...settings, resume: true, data: copy }, { engine });
  expect(resumed).toMatchObject({ status: "finished", samples: 0 });
});

test("a run of an older version is resumed, and refused other sizes, by what it recorded", async () => {
  const settings = settingsOf();
  await train(settings, { engine });
  const path = join(settings.out, "run.json");
  const record = JSON.parse(await readFile(path, "utf8")) as { data: Record<string, unknown> };
  const { store, shards } = await openRelease(release);
  delete record.data["fingerprintForm"];
  record.data["fingerprint"] = await formerFingerprint(store, shards);
  await writeFile(path, JSON.stringify(record));
  const again = (data: string) => train({ ...settings, resume: true, data }, { engine });
  expect(await again(release)).toMatchObject({ status: "finished", samples: 0 });
  const larger = join(folder, "larger");
  await cp(release, larger, { recursive: true });
  await appendFile(join(larger, "00000.tar"), Buffer.alloc(512));
  expect((await refusal(again(larger))).message).toContain("the release is another");
});

test("a folder in which a run is under way isn't trained in by a second", async () => {
  const settings = settingsOf();
  let code = "";
  const evaluate = async () => {
    ({ code } = await refusal(train({ ...settings, resume: true }, { engine })));
    return {};
  };
  await train(settings, { engine, evaluate });
  expect(code).toBe("run_locked");
});

test("a run whose lock another process took writes nothing more", async () => {
  const settings = settingsOf();
  let before: string[] = [];
  const evaluate = async () => {
    await writeFile(
      join(settings.out, "run.lock.2"),
      JSON.stringify({ pid: 1, ticks: "5", space: "elsewhere" }),
    );
    before = await readdir(join(settings.out, "checkpoints"));
    await sleep(6000); // the next look at the lock comes within five seconds
    return { score: 1 };
  };
  const error = await refusal(train({ ...settings, evaluateEvery: 1 }, { engine, evaluate }));
  expect(error.code).toBe("lock_lost");
  expect(await readdir(join(settings.out, "checkpoints"))).toEqual(before);
  expect(await readFile(join(settings.out, "metrics.jsonl"), "utf8")).not.toContain("score");
});

test("a loss that is lost stops the run, names the batch and keeps the last good weights", async () => {
  const settings = settingsOf({ lr: 1e30, warmup: 0, schedule: "constant", steps: 50 });
  const error = await refusal(train(settings, { engine }));
  expect(error.code).toBe("training_diverged");
  expect(error.message).toMatch(/0000[01]\d{4}/);
  const kept = (await readdir(join(settings.out, "checkpoints"))).filter((name) => name.endsWith(".json"));
  expect(kept.length).toBeGreaterThan(0);
});

test("a release that is missing, empty or too small is refused with its own code", async () => {
  const refused = async (data: string, more = {}) =>
    (await refusal(train(settingsOf({ data, ...more }), { engine }))).code;
  expect(await refused(join(folder, "nowhere"))).toBe("release_missing");
  const empty = join(folder, "empty");
  await mkdir(empty);
  expect(await refused(empty)).toBe("no_shards");
  await copyFile(join(release, "00000.tar"), join(empty, "00000.tar"));
  await writeFile(join(empty, "sizes.json"), "{}");
  expect(await refused(empty)).toBe("no_shards");
  expect(await refused(release, { batchSize: 100 })).toBe("release_too_small");
});

test("the evaluation is called every N steps and at the end; its numbers go to the metrics", async () => {
  const settings = settingsOf({ evaluateEvery: 3 });
  const steps: number[] = [];
  const evaluate = ({ step }: { step: number }) => {
    steps.push(step);
    return Promise.resolve({ half: step / 2 });
  };
  const result = await train(settings, { engine, evaluate });
  expect(steps).toEqual([3, 6, 8]);
  expect(result.evaluation).toEqual({ half: 4 });
  expect(await readMetrics(settings.out)).toContainEqual({ step: 6, evaluation: { half: 3 } });
});
