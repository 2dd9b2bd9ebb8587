import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadEngine, type Engine } from "@pairloom/engine";
import { readMetrics, resolveTrainSettings, train, type StepMetrics } from "@pairloom/training";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSmallRelease } from "../../packages/training/test/smallRelease.js";

/** A Python that has TensorBoard: a named one, or one in a virtual environment that is made here; or why there is none. */
function findPython(): { python: string } | { missing: string } {
  const probe = `from importlib.util import find_spec; exit(find_spec("tensorboard") is None)`;
  const hasIt = (python: string) => spawnSync(python, ["-c", probe], { stdio: "ignore" }).status === 0;
  const named = process.env.PAIRLOOM_PYTHON ?? "python3";
  for (const python of [named, process.env.PAIRLOOM_PYTORCH])
    if (python !== undefined && hasIt(python)) return { python };
  if (spawnSync(named, ["--version"]).status !== 0)
    return { missing: "needs Python (PAIRLOOM_PYTHON names it)" };
  const venv = join(tmpdir(), "pairloom-interop-tensorboard");
  const python = join(venv, "bin", "python");
  if (hasIt(python)) return { python };
  if (spawnSync(named, ["-m", "venv", venv]).status !== 0) return { missing: "needs Python's venv" };
  // its own reader wants pkg_resources, which setuptools had until 81
  const packages = ["tensorboard==2.20.0", "setuptools<81"];
  spawnSync(python, ["-m", "pip", "install", "-q", ...packages], { stdio: "ignore", timeout: 600_000 });
  return hasIt(python) ? { python } : { missing: "needs tensorboard from PyPI" };
}

const found = findPython();
const missing = "missing" in found ? found.missing : null;
if (missing !== null) console.log(`TensorBoard's reader is skipped: ${missing}`);

describe.skipIf(missing !== null)("TensorBoard reads a run's event files", () => {
  let engine: Engine;
  let folder: string;
  let release: string;
  beforeAll(async () => {
    engine = await loadEngine("wasm", {});
    ({ folder, release } = await makeSmallRelease());
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true });
  });

  /** Trains to a step, as a process that is stopped there. */
  async function trainTo(step: number): Promise<void> {
    const stop = new AbortController();
    const settings = resolveTrainSettings({
      data: release,
      model: join(folder, "small.json"),
      out: join(folder, "run"),
      resume: true,
      batchSize: 8,
      steps: 12,
      warmup: 2,
      checkpointEvery: 4,
      evaluateEvery: 4,
      engine: "wasm",
    });
    await train(settings, {
      engine,
      signal: stop.signal,
      evaluate: async (model) => ({ "image_to_text_R@1": model.step / 100 }),
      onStep: (metrics) => {
        if (metrics.step === step) stop.abort();
      },
    });
  }

  function read(): Record<string, [step: number, value: number][]> {
    const script = fileURLToPath(new URL("./tensorboard_reference.py", import.meta.url));
    const python = "python" in found ? found.python : "";
    const result = spawnSync(python, [script, join(folder, "run", "tensorboard")], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout) as Record<string, [number, number][]>;
  }

  test("every step once, under open_clip's names, over stops and a lost checkpoint", async () => {
    await trainTo(7);
    // the checkpoint of the stop is lost, as after a kill: the run goes on from step 4
    for (const ending of ["json", "safetensors", "optimizer"])
      await rm(join(folder, "run", "checkpoints", `step-000007.${ending}`));
    await trainTo(9);
    await trainTo(12);
    const scalars = read();
    const steps = Array.from({ length: 12 }, (_, i) => i + 1);
    const metrics = await readMetrics(join(folder, "run"));
    const losses = metrics.filter((line): line is StepMetrics => "loss" in line);
    for (const tag of ["train/loss", "train/contrastive_loss"]) {
      expect(scalars[tag]!.map(([step]) => step)).toEqual(steps);
      scalars[tag]!.forEach(([, value], at) => expect(value).toBeCloseTo(losses[at]!.loss, 5));
    }
    // open_clip_train/train.py 3.3.0, `log_data` of train_one_epoch
    for (const name of [
      "data_time",
      "batch_time",
      "samples_per_second",
      "samples_per_second_per_gpu",
      "scale",
      "lr",
    ])
      expect(scalars[`train/${name}`]!.map(([step]) => step)).toEqual(steps);
    expect(scalars["val/image_to_text_R@1"]!.map(([step, value]) => [step, +value.toFixed(2)])).toEqual([
      [4, 0.04],
      [8, 0.08],
      [12, 0.12],
    ]);
  });
});
