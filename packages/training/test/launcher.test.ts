import { mkdtemp, mkdir, readFile, rm, writeFile, appendFile, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialParameters, parseModelConfig, pyTorchParts, readSafetensorsFile } from "@pairloom/clip";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { planEpochs, planWorkers } from "../src/launcher/epochPlan.js";
import { failureText } from "../src/launcher/failureText.js";
import { handOver } from "../src/launcher/handOver.js";
import { importEpochs, setDamagedAside } from "../src/launcher/importOpenClip.js";
import { type LaunchManifest, launchedRunPaths } from "../src/launcher/launchedRun.js";
import { resolveLaunchSettings } from "../src/launcher/launchSettings.js";
import { LogFollower } from "../src/launcher/logFollower.js";
import { openClipArguments, shardPattern } from "../src/launcher/openClipCommand.js";
import { parseOpenClipLine } from "../src/launcher/openClipLog.js";
import { openClipRate } from "../src/launcher/openClipRate.js";
import { shellWords } from "../src/launcher/shellWords.js";
import { launchOpenClip, resolveTrainSettings, type TrainSettingsInput } from "../src/index.js";
import { makeSmallRelease, smallModel } from "./smallRelease.js";

const config = parseModelConfig(smallModel);
const openai = (more: TrainSettingsInput = {}) =>
  resolveTrainSettings({
    data: "d",
    out: "o",
    model: "m",
    recipe: "openai",
    batchSize: 64,
    steps: 100,
    ...more,
  });

describe("epochs", () => {
  test.each([
    ["steps that a pass divides", { steps: 60, target: 5 }, [12, 5]],
    ["steps that another number divides", { steps: 1000, target: 144 }, [8, 125]],
    ["fewer steps than a pass", { steps: 7, target: 100 }, [1, 7]],
    ["a prime number of steps, rounded up as little as can be", { steps: 997, target: 100 }, [9, 111]],
  ])("%s", (_, wish, [epochs, stepsPerEpoch]) => {
    const plan = planEpochs({ ...wish, batchSize: 32, accumulate: 1, workers: 1 });
    expect([plan.epochs, plan.stepsPerEpoch]).toEqual([epochs, stepsPerEpoch]);
  });

  test("a plan has at least the steps wanted, whole turns of the loaders, and is exact where one loader can be", () => {
    fc.assert(
      fc.property(
        fc.record({
          steps: fc.integer({ min: 1, max: 3000 }),
          target: fc.integer({ min: 1, max: 300 }),
          batchSize: fc.integer({ min: 1, max: 64 }),
          accumulate: fc.integer({ min: 1, max: 4 }),
        }),
        fc.integer({ min: 1, max: 8 }),
        (wish, most) => {
          const { plan, workers } = planWorkers(wish, most);
          expect(plan.steps).toBe(plan.epochs * plan.stepsPerEpoch);
          expect(plan.steps).toBeGreaterThanOrEqual(wish.steps);
          expect((plan.stepsPerEpoch * wish.accumulate) % workers).toBe(0);
          expect(plan.samplesPerEpoch).toBe(plan.stepsPerEpoch * wish.batchSize);
          if (wish.steps <= wish.target) expect(plan.steps).toBe(wish.steps);
        },
      ),
    );
  });
});

test("the rate is open_clip's: as ours in the warm-up, then a cosine that is a step behind", () => {
  const schedule = { lr: 1, warmup: 4, schedule: "cosine", steps: 10 } as const;
  expect([1, 2, 4, 5].map((step) => openClipRate(step, schedule))).toEqual([0.25, 0.5, 1, 1]);
  expect(openClipRate(10, schedule)).toBeCloseTo(0.5 * (1 + Math.cos((Math.PI * 5) / 6)), 12);
  expect(openClipRate(9, { ...schedule, schedule: "constant" })).toBe(1);
});

describe("what is handed over", () => {
  const launch = resolveLaunchSettings({ launcher: "torchrun", processes: 4 });
  const facts = { samples: 6400, shards: 16, device: "cuda" } as const;

  test("the paper's recipe warns of nothing but the crop of pictures that are not square", () => {
    const { warnings, batchSizePerProcess, plan, workers } = handOver(
      openai({ checkpointEvery: 100 }),
      config,
      launch,
      facts,
    );
    expect(warnings).toEqual([expect.stringContaining("`cropMargin`")]);
    expect({ batchSizePerProcess, workers }).toEqual({ batchSizePerProcess: 16, workers: 4 });
    expect(plan).toEqual({ epochs: 1, stepsPerEpoch: 100, samplesPerEpoch: 6400, steps: 100 });
  });

  test("every setting is told or has a reason why not", () => {
    for (const { setting, flags, note } of handOver(openai(), config, launch, facts).settings) {
      expect(flags.length > 0 || note !== null, setting).toBe(true);
    }
  });

  test("a setting that this launcher has never heard of is named, unless it has its default", () => {
    const strange = { ...openai(), newThing: 3 } as ReturnType<typeof openai>;
    expect(() => handOver(strange, config, launch, facts)).not.toThrow();
    expect(handOver(strange, config, launch, facts).warnings).toContainEqual(
      expect.stringContaining("`newThing` is 3"),
    );
  });

  test.each([
    ["--lr", "0.0005"],
    ["--beta2", "0.98"],
    ["--eps", "0.000001"],
    ["--wd", "0.2"],
    ["--warmup", "2000"],
    ["--lr-scheduler", "cosine"],
    ["--precision", "fp32"],
    ["--seed", "7"],
    ["--batch-size", "16"],
  ])("%s %s", (flag, value) => {
    const flags = handOver(openai({ seed: 7 }), config, launch, facts).settings.flatMap((item) => item.flags);
    expect(flags[flags.indexOf(flag) + 1]).toBe(value);
  });

  test("open_clip's own crop is told as it is, without a warning", () => {
    const { warnings, settings } = handOver(
      openai({ crop: "resized", cropMinArea: 0.5 }),
      config,
      launch,
      facts,
    );
    expect(warnings).toEqual([]);
    expect(settings.flatMap((item) => item.flags)).toEqual(
      expect.arrayContaining(["--aug-cfg", "scale=(0.5,1.0)"]),
    );
  });

  test("clipping is a flag only where there is some", () => {
    const flagsOf = (gradClip: number | null) =>
      handOver(openai({ gradClip }), config, launch, facts).settings.flatMap((item) => item.flags);
    expect(flagsOf(null)).not.toContain("--grad-clip-norm");
    expect(flagsOf(0.5)).toEqual(expect.arrayContaining(["--grad-clip-norm", "0.5"]));
  });

  test("a batch that the processes can't share is refused", () => {
    expect(() => handOver(openai({ batchSize: 66 }), config, launch, facts)).toThrow(
      /multiple of 4|shared out/,
    );
  });

  test("fewer shards than processes are drawn with replacement, and that is said", () => {
    const { resampled, warnings } = handOver(openai(), config, launch, { ...facts, shards: 3 });
    expect(resampled).toBe(true);
    expect(warnings).toContainEqual(expect.stringContaining("with replacement"));
  });

  test("open_clip is told how images are made where the model says it, and nothing where it doesn't", () => {
    const wordsFor = (given: typeof config) =>
      openClipArguments({
        ...{ paths: launchedRunPaths("/run"), config: given, launch, device: "cpu", shards: ["/d/0.tar"] },
        handed: handOver(openai(), given, launch, facts),
      }).join(" ");
    const preprocess_cfg = { mean: [0.5, 0.4, 0.3], std: [0.1, 0.2, 0.3], interpolation: "bilinear" };
    const own = parseModelConfig({ ...config, preprocess_cfg: { ...preprocess_cfg, resize_mode: "squash" } });
    expect(wordsFor(own)).toContain(
      "--image-mean 0.5 0.4 0.3 --image-std 0.1 0.2 0.3 --image-interpolation bilinear --image-resize-mode squash --",
    );
    expect(wordsFor(config)).not.toContain("--image-");
  });
});

describe("the command", () => {
  test.each([
    [["/d/00000.tar", "/d/00001.tar", "/d/00002.tar"], "/d/{00000..00002}.tar"],
    [["/d/00009.tar", "/d/00010.tar"], "/d/{00009..00010}.tar"],
    [["/d/00000.tar"], "/d/00000.tar"],
    [["/d/00000.tar", "/d/00002.tar"], "/d/00000.tar::/d/00002.tar"],
    [["/d/a.tar", "/d/b.tar"], "/d/a.tar::/d/b.tar"],
    [["/d/9.tar", "/d/10.tar"], "/d/9.tar::/d/10.tar"],
  ])("shards %j are %s", (paths, pattern) => expect(shardPattern(paths)).toBe(pattern));

  test("a path that open_clip would read as a pattern is refused", () => {
    expect(() => shardPattern(["/a{b}/00000.tar"])).toThrow(/pattern/);
  });

  test("words mean themselves to the shell", async () => {
    const { execFileSync } = await import("node:child_process");
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom(..."ab '\"$`\\!*?{}()<>|&;#~\t") }), {
          minLength: 1,
          maxLength: 4,
        }),
        (words) => {
          const printed = execFileSync("bash", ["-c", `printf '%s\\0' ${shellWords(words)}`], {
            encoding: "utf8",
          });
          expect(printed.split("\0").slice(0, -1)).toEqual(words);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("open_clip's log", () => {
  const context = {
    stepsPerEpoch: 6,
    steps: 12,
    batchSize: 32,
    lr: 1e-3,
    warmup: 2,
    schedule: "cosine",
  } as const;
  const line =
    "2026-11-24,08:13:44 | INFO | Train Epoch: 1 [ 64/192 (33%)] Data (t): 0.002 Batch (t): 0.052, 610.269/s, " +
    "305.135/s/gpu LR: 0.000500 Logit Scale: 14.235 Contrastive_loss: 3.4018 (3.4763) Loss: 3.4019 (3.4763)";

  test("a line of a step is read, with the schedule's rate in full", () => {
    expect(parseOpenClipLine(line, context)).toEqual({
      step: 8,
      epoch: 1,
      loss: 3.4019,
      logitScale: 14.235,
      lr: openClipRate(8, context),
      samplesPerSecond: 610.269,
      dataWaitMs: 2,
      stepMs: 52,
    });
  });

  test("a rate that is not the schedule's is given as logged", () => {
    expect(parseOpenClipLine(line.replace("0.000500", "0.000700"), context)?.lr).toBe(7e-4);
  });

  test("a loss that is no number is seen, large numbers too; other lines are none", () => {
    expect(parseOpenClipLine(line.replace("3.4019", "nan"), context)?.loss).toBeNaN();
    expect(parseOpenClipLine(line.replace("610.269/s,", "1.02400e+06/s,"), context)?.samplesPerSecond).toBe(
      1_024_000,
    );
    expect(parseOpenClipLine("2026-11-24,08:13:44 | INFO | Start epoch 1", context)).toBeNull();
  });
});

describe("why the processes ended", () => {
  test("the first traceback of a process counts, not torchrun's own", () => {
    const output = [
      "2026 | INFO | Start epoch 0",
      "[rank1]: Traceback (most recent call last):",
      '[rank1]:   File "main.py", line 302, in main',
      "[rank1]:     model = DistributedDataParallel(model)",
      "[rank1]: ValueError: device_ids",
      "E1124 08:11:41.285000 16650 torch/distributed/elastic/multiprocessing/api.py:1002] failed",
      "Traceback (most recent call last):",
      '  File "torchrun", line 8, in <module>',
      "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
    ].join("\n");
    expect(failureText(output).split("\n").at(-1)).toBe("ValueError: device_ids");
  });

  test("a process that a signal ended is named, not those that missed it", () => {
    const output = [
      "[rank0]: Traceback (most recent call last):",
      '[rank0]:   File "connection.py", line 395, in _recv',
      "[rank0]: ConnectionResetError: [Errno 104] Connection reset by peer",
      "Traceback (most recent call last):",
      '  File "torchrun", line 8, in <module>',
      "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
      "============",
      "Failures:",
      "[1]:",
      "  rank      : 0 (local_rank: 0)",
      "  exitcode  : -15 (pid: 16)  (SIGTERM)",
      "------------",
      "Root Cause (first observed failure):",
      "[0]:",
      "  rank      : 1 (local_rank: 1)",
      "  exitcode  : -9 (pid: 17)",
      "  traceback : Signal 9 (SIGKILL) received by PID 17",
      "============",
    ].join("\n");
    expect(failureText(output)).toMatch(/^ {2}rank {6}: 1[^]*Signal 9/);
  });

  test("without either the last lines are given", () => {
    expect(failureText("bash: no such file\n\n")).toBe("bash: no such file");
  });
});

describe("a run's folder", () => {
  let folder: string;
  let release: string;
  beforeAll(async () => {
    ({ folder, release } = await makeSmallRelease(24));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const settings = (run: string, more: TrainSettingsInput = {}) =>
    resolveTrainSettings({
      data: release,
      model: join(folder, "small.json"),
      out: join(folder, run),
      batchSize: 8,
      steps: 6,
      ...more,
    });

  test("--dry-run writes command, config, weights and manifest, and starts nothing", async () => {
    const said: string[] = [];
    const outcome = await launchOpenClip(
      settings("dry"),
      { launcher: "torchrun", processes: 2, python: "/there/is/none" },
      { dryRun: true, log: (line) => said.push(line) },
    );
    expect(outcome).toMatchObject({ status: "prepared", steps: 6 });
    const script = await readFile(join(folder, "dry", "launcher", "launch.sh"), "utf8");
    expect(script).toContain("/there/is/none -m torch.distributed.run");
    expect(script).toMatch(/--train-data '.*\{00000\.\.00001\}\.tar'/);
    const weights = await readSafetensorsFile(
      join(folder, "dry", "launcher", "model", "open_clip_model.safetensors"),
    );
    expect(weights).toEqual(initialParameters(config, 0));
    expect(said.filter((line) => line.startsWith("warning: ")).length).toBeGreaterThan(2);
  });

  test("a missing Python and a missing release are named", async () => {
    const launch = { launcher: "torchrun", python: "/there/is/none" } as const;
    await expect(launchOpenClip(settings("none"), launch)).rejects.toMatchObject({ code: "python_missing" });
    await expect(
      launchOpenClip({ ...settings("none"), data: join(folder, "no") }, launch),
    ).rejects.toMatchObject({ code: "release_missing" });
  });

  test("a run of another hand is not gone on with", async () => {
    await launchOpenClip(settings("once"), { launcher: "slurm" });
    await expect(launchOpenClip(settings("once"), { launcher: "slurm" })).rejects.toMatchObject({
      code: "run_exists",
    });
    const other = launchOpenClip(settings("once", { resume: true, lr: 0.5 }), { launcher: "slurm" });
    await expect(other).rejects.toMatchObject({ code: "resume_differs" });
    await rm(join(folder, "once", "launcher"), { recursive: true });
    const ours = launchOpenClip(settings("once", { resume: true }), { launcher: "slurm" });
    await expect(ours).rejects.toThrow(/own trainer/);
  });

  test("Slurm's job asks for what the processes need, and each node's processes meet at the first", async () => {
    await launchOpenClip(settings("slurm"), {
      launcher: "slurm",
      nodes: 2,
      processes: 2,
      partition: "gpu",
      timeLimit: "1:00:00",
    });
    const job = await readFile(join(folder, "slurm", "launcher", "job.sbatch"), "utf8");
    for (const option of [
      "--nodes=2",
      "--gpus-per-node=2",
      "--partition=gpu",
      "--time=1:00:00",
      "--requeue",
    ]) {
      expect(job).toContain(`#SBATCH ${option}`);
    }
    const script = await readFile(join(folder, "slurm", "launcher", "launch.sh"), "utf8");
    expect(script).toContain(
      '--nnodes 2 --rdzv-backend c10d --rdzv-id pairloom-slurm --rdzv-endpoint "$PAIRLOOM_RENDEZVOUS"',
    );
  });

  test("a Kubernetes Job mounts the claim where the files are; what lies outside of it is refused", async () => {
    const launch = {
      launcher: "kubernetes",
      nodes: 2,
      processes: 2,
      image: "torch:2",
      claim: "data",
    } as const;
    await launchOpenClip(settings("kube"), { ...launch, mount: folder });
    const list = JSON.parse(await readFile(join(folder, "kube", "launcher", "job.json"), "utf8")) as {
      items: { kind: string; spec: Record<string, unknown> }[];
    };
    expect(list.items.map(({ kind }) => kind)).toEqual(["Service", "Job"]);
    expect(list.items[1]!.spec).toMatchObject({ completions: 2, parallelism: 2, completionMode: "Indexed" });
    await expect(launchOpenClip(settings("kube2"), { ...launch, mount: "/elsewhere" })).rejects.toMatchObject(
      { code: "not_mounted" },
    );
    await expect(launchOpenClip(settings("kube3"), { launcher: "kubernetes" })).rejects.toMatchObject({
      code: "launch_settings_invalid",
    });
  });

  describe("with a cluster's commands", () => {
    const path = process.env["PATH"]!;
    let commands: string;
    /** A command that the launcher calls. */
    const command = async (name: string, script: string) => {
      await writeFile(join(commands, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
    };
    beforeAll(async () => {
      commands = await mkdtemp(join(folder, "commands-"));
      process.env["PATH"] = `${commands}:${path}`;
    });
    afterAll(() => {
      process.env["PATH"] = path;
    });

    test("none at all is said", async () => {
      process.env["PATH"] = commands;
      try {
        const submitted = launchOpenClip(settings("refused"), { launcher: "slurm" }, { submit: true });
        await expect(submitted).rejects.toThrow(/no `sbatch` here/);
      } finally {
        process.env["PATH"] = `${commands}:${path}`;
      }
    });

    test("a refusal is handed on", async () => {
      await command("kubectl", "echo 'error: no such namespace' >&2; exit 1");
      const launch = { launcher: "kubernetes", image: "torch:2", claim: "data", mount: folder } as const;
      await expect(launchOpenClip(settings("unwanted"), launch, { submit: true })).rejects.toThrow(
        /no such namespace/,
      );
    });

    test("a job is followed to its end: its log and its checkpoint are in the run", async () => {
      const state = initialParameters(config, 5);
      await writeFile(join(folder, "last.pt"), Buffer.concat([...pyTorchParts(state)]));
      const line =
        "2026 | INFO | Train Epoch: 1 [24/24 (100%)] Data (t): 0.001 Batch (t): 0.05, 160.0/s, 160.0/s/gpu LR: 0.000000 " +
        "Logit Scale: 14.2 Contrastive_loss: 1.5 (1.5) Loss: 1.5 (1.5)";
      const openClip = join(folder, "followed", "launcher", "open_clip");
      await command(
        "sbatch",
        `mkdir -p ${openClip}/checkpoints; cp ${folder}/last.pt ${openClip}/checkpoints/epoch_2.pt; echo '${line}' >${openClip}/out.log; echo '4711;cluster'`,
      );
      await command("squeue", "exit 0");
      const said: string[] = [];
      const outcome = await launchOpenClip(
        settings("followed"),
        { launcher: "slurm", workers: 1 },
        { submit: true, follow: true, log: (text) => said.push(text) },
      );
      expect(said).toContain("submitted as 4711");
      expect(outcome).toMatchObject({ status: "finished", step: 6, last: { step: 6, loss: 1.5 } });
      const imported = await readSafetensorsFile(
        join(folder, "followed", "checkpoints", "step-000006.safetensors"),
      );
      expect(imported).toEqual(state);
    });

    test("while a run's job is at work there is no second one", async () => {
      await command("sbatch", "echo 4713");
      await command("squeue", "echo RUNNING");
      await launchOpenClip(settings("busy"), { launcher: "slurm" }, { submit: true });
      const again = launchOpenClip(
        settings("busy", { resume: true }),
        { launcher: "slurm" },
        { submit: true },
      );
      await expect(again).rejects.toMatchObject({ code: "job_at_work" });
      await command("squeue", "exit 0");
      const later = launchOpenClip(
        settings("busy", { resume: true }),
        { launcher: "slurm" },
        { submit: true },
      );
      await expect(later).resolves.toMatchObject({ status: "submitted", job: "4713" });
    });

    test("a Kubernetes Job that failed is replaced by the next; its state is asked for", async () => {
      const launch = { launcher: "kubernetes", image: "torch:2", claim: "data", mount: folder } as const;
      await command(
        "kubectl",
        `echo "$*" >>${commands}/asked; [ "$1" = get ] && cat ${commands}/state; exit 0`,
      );
      await writeFile(join(commands, "state"), "pairloom-kubed ");
      await launchOpenClip(settings("kubed"), launch, { submit: true });
      const resumed = () => launchOpenClip(settings("kubed", { resume: true }), launch, { submit: true });
      await expect(resumed()).rejects.toMatchObject({ code: "job_at_work" });
      await writeFile(join(commands, "state"), "pairloom-kubed FailureTarget Failed");
      await expect(resumed()).resolves.toMatchObject({ status: "submitted" });
      const asked = (await readFile(join(commands, "asked"), "utf8"))
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]);
      expect(asked).toEqual(["delete", "apply", "get", "get", "delete", "apply"]);
    });

    test("a job that is over before its last checkpoint is a failure", async () => {
      await command("sbatch", "echo 4712");
      const followed = launchOpenClip(
        settings("over"),
        { launcher: "slurm" },
        { submit: true, follow: true },
      );
      await expect(followed).rejects.toMatchObject({ code: "launched_training_failed" });
    });
  });
});

describe("following", () => {
  let run: string;
  const plan = { epochs: 3, stepsPerEpoch: 2, samplesPerEpoch: 8, steps: 6 };
  const context = { ...plan, batchSize: 4, lr: 1e-3, warmup: 0, schedule: "constant" } as const;
  const line = (epoch: number, samples: number, loss: number) =>
    `2026-11-24,08:13:44 | INFO | Train Epoch: ${epoch} [${samples}/8 (50%)] Data (t): 0.002 Batch (t): 0.052, 610.2/s, ` +
    `305.1/s/gpu LR: 0.001000 Logit Scale: 14.2 Contrastive_loss: ${loss} (1.0) Loss: ${loss} (1.0)\n`;
  const told = async () =>
    (await readFile(join(run, "metrics.jsonl"), "utf8"))
      .trim()
      .split("\n")
      .map((text) => {
        const { step, loss } = JSON.parse(text) as { step: number; loss: number };
        return [step, loss];
      });
  beforeAll(async () => {
    run = await mkdtemp(join(tmpdir(), "launched-"));
    await mkdir(join(run, "checkpoints"));
    await mkdir(launchedRunPaths(run).openClipCheckpoints, { recursive: true });
  });
  afterAll(() => rm(run, { recursive: true, force: true }));

  test("steps that are told again after a kill replace what was told, lines come whole", async () => {
    const { log } = launchedRunPaths(run);
    const follower = new LogFollower(launchedRunPaths(run), context);
    expect(await follower.read()).toEqual([]);
    await appendFile(log, line(0, 4, 5) + line(0, 8, 4) + line(1, 4, 3).slice(0, 60));
    expect(await follower.read()).toHaveLength(2);
    await appendFile(log, line(1, 4, 3).slice(60) + line(1, 8, 2));
    expect(await follower.read()).toHaveLength(2);
    expect(await told()).toEqual([
      [1, 5],
      [2, 4],
      [3, 3],
      [4, 2],
    ]);
    await appendFile(log, line(1, 4, 2.5) + line(1, 8, 1.5) + line(2, 4, 1));
    expect(await follower.read()).toHaveLength(3);
    expect(await told()).toEqual([
      [1, 5],
      [2, 4],
      [3, 2.5],
      [4, 1.5],
      [5, 1],
    ]);
    // another follower comes to the same from the file alone
    await new LogFollower(launchedRunPaths(run), context).read();
    expect(await told()).toEqual([
      [1, 5],
      [2, 4],
      [3, 2.5],
      [4, 1.5],
      [5, 1],
    ]);
  });

  test("whole checkpoints are imported once, the last few are kept, a torn one waits or is set aside", async () => {
    const paths = launchedRunPaths(run);
    const state = initialParameters(config, 1);
    const bytes = Buffer.concat([
      ...pyTorchParts(new Map([...state].map(([key, tensor]) => [`module.${key}`, tensor]))),
    ]);
    const manifest = { plan, openClip: "3.3.0" } as LaunchManifest;
    for (const epoch of [1, 2]) await writeFile(join(paths.openClipCheckpoints, `epoch_${epoch}.pt`), bytes);
    await writeFile(join(paths.openClipCheckpoints, "epoch_3.pt"), bytes.subarray(0, bytes.length - 50));
    expect(await importEpochs(paths, config, manifest, 3)).toEqual([2, 4]);
    expect(await importEpochs(paths, config, manifest, 3)).toEqual([]);
    expect(await readSafetensorsFile(join(run, "checkpoints", "step-000004.safetensors"))).toEqual(state);
    const said: string[] = [];
    await setDamagedAside(paths, (text) => said.push(text));
    expect(said).toEqual([expect.stringContaining("epoch_3.pt is not whole")]);
    expect(await readdir(paths.openClipCheckpoints)).toEqual([
      "epoch_1.pt",
      "epoch_2.pt",
      "epoch_3.pt.damaged",
    ]);
    await writeFile(join(paths.openClipCheckpoints, "epoch_3.pt"), bytes);
    expect(await importEpochs(paths, config, manifest, 1)).toEqual([6]);
    expect(await readdir(join(run, "checkpoints"))).toEqual(["step-000006.safetensors"]);
  });

  test("none is set aside for what isn't its damage, and open_clip doesn't begin again where all are torn", async () => {
    const paths = launchedRunPaths(run);
    const file = (epoch: number) => join(paths.openClipCheckpoints, `epoch_${epoch}.pt`);
    await rm(paths.openClipCheckpoints, { recursive: true });
    await mkdir(file(1), { recursive: true }); // every read of it fails
    await expect(setDamagedAside(paths, () => {})).rejects.toMatchObject({ code: "EISDIR" });
    await rm(file(1), { recursive: true });
    await writeFile(file(1), "torn");
    await writeFile(file(2), "torn");
    await expect(setDamagedAside(paths, () => {})).rejects.toMatchObject({ code: "checkpoints_unreadable" });
    expect(await readdir(paths.openClipCheckpoints)).toEqual(["epoch_1.pt", "epoch_2.pt"]);
    // one alone was being written
    await rm(file(2));
    await setDamagedAside(paths, () => {});
    expect(await readdir(paths.openClipCheckpoints)).toEqual(["epoch_1.pt.damaged"]);
  });
});
