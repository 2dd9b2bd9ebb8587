import { copyFile, mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkTokenizerFit, type ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { refuseHeldOut } from "../data/heldOut.js";
import { type DataIdentity, identityOf, openRelease, type Release } from "../data/openRelease.js";
import { checkResume, readRunRecord, type RunRecord, writeRunRecord } from "../run/runRecord.js";
import { startingModel } from "../run/startingModel.js";
import { writeDurably, writeJsonDurably } from "../run/writeDurably.js";
import type { TrainSettings } from "../settings/trainSettings.js";
import { findOpenClip, type OpenClipInstallation, openClipVersion } from "./findOpenClip.js";
import { handOver, type HandOver } from "./handOver.js";
import { kubernetesJob } from "./kubernetesJob.js";
import {
  type LaunchedRunPaths,
  launchedRunPaths,
  type LaunchManifest,
  readLaunchManifest,
} from "./launchedRun.js";
import { launchScript } from "./launchScript.js";
import type { LaunchSettings } from "./launchSettings.js";
import { openClipArguments, trainerProgram } from "./openClipCommand.js";
import { slurmScript } from "./slurmScript.js";
import { writeStartingModel } from "./writeStartingModel.js";

const cpuProgram = fileURLToPath(new URL("../../python/open_clip_on_cpu.py", import.meta.url));

/** A run folder that holds everything open_clip needs; nothing has been started. */
export interface PreparedLaunch {
  paths: LaunchedRunPaths;
  config: ModelConfig;
  settings: TrainSettings;
  manifest: LaunchManifest;
  /** The job's name with Slurm and Kubernetes. */
  name: string;
}

/**
 * Writes into the run folder what open_clip is to train from: config and starting weights, the command, the job's
 * description, and a manifest of all of it.
 *
 * @param look whether to look for open_clip on this machine, where its processes would run
 * @throws UserError where settings, release, model, Python or run folder can't be used
 */
export async function prepareLaunch(
  settings: TrainSettings,
  launch: LaunchSettings,
  { look, warn }: { look: boolean; warn: (line: string) => void },
): Promise<PreparedLaunch> {
  const paths = launchedRunPaths(settings.out);
  const release = await openRelease(settings.data);
  await refuseHeldOut(release.store, settings.allowHeldOut);
  const { shards, samples } = localShards(release);
  const before = await checkFolder(paths, settings.resume);
  const model = await startingModel(settings, before, warn);
  const { config } = model;
  checkTokenizerFit(config);
  const found = look && launch.launcher === "torchrun" ? await findOpenClip(launch.python) : null;
  const device = chooseDevice(launch, found);
  const handed = handOver(settings, config, launch, { samples, shards: shards.length, device });
  handed.warnings.forEach(warn);
  const identity = await identityOf(release, before?.data ?? null);
  const record = makeRecord(settings, config, handed, { samples, identity, launch });
  if (before === null) await mkdir(join(paths.run, "checkpoints"), { recursive: true });
  else checkResume(before, record).forEach(warn);
  await mkdir(paths.modelFolder, { recursive: true });
  const startingWeights = await writeStartingModel(paths.modelFolder, model);
  await copyFile(cpuProgram, paths.cpuProgram);
  const command = openClipArguments({ paths, config, handed, launch, device, shards });
  const name = jobName(paths.run);
  await writeScripts({
    paths,
    launch,
    device,
    command,
    name,
    workers: handed.workers,
    threads: settings.threads,
  });
  const manifest: LaunchManifest = {
    version: 1,
    openClip: found?.openClip ?? openClipVersion,
    launch,
    device,
    release: { data: settings.data, fingerprint: release.fingerprint, samples, shards },
    startingWeights,
    plan: handed.plan,
    batchSizePerProcess: handed.batchSizePerProcess,
    settings: handed.settings,
    warnings: handed.warnings,
    command,
    found:
      found === null
        ? null
        : {
            python: found.python,
            torch: found.torch,
            openClip: found.openClip,
            webdataset: found.webdataset,
          },
  };
  await writeJsonDurably(paths.manifest, manifest);
  if (before === null) await writeRunRecord(paths.run, record);
  return { paths, config, settings, manifest, name };
}

function localShards({ store, shards, samples }: Release): { shards: string[]; samples: number } {
  if (samples === null) {
    throw new UserError("release_unsized", `Nothing says how many samples are in ${store.url}`, {
      hint: "open_clip needs a sizes.json beside the shards, as `pairloom release` writes it.",
    });
  }
  const paths = shards.map(({ name }) => store.localPath(name));
  if (paths.some((path) => path === null)) {
    throw new UserError(
      "release_remote",
      `${store.url} is not a folder that open_clip's processes can read`,
      {
        hint: "Copy the release to a file system that every node sees.",
      },
    );
  }
  return { shards: paths.filter((path) => path !== null), samples };
}

/** @throws UserError "run_exists" where the folder can't be gone on with */
async function checkFolder(paths: LaunchedRunPaths, resume: boolean): Promise<RunRecord | null> {
  const record = await readRunRecord(paths.run);
  if (record === null) return null;
  const launched = (await readLaunchManifest(paths.run)) !== null;
  if (launched && resume) return record;
  throw new UserError(
    "run_exists",
    launched
      ? `${paths.run} holds a training run already`
      : `${paths.run} holds a run of pairloom's own trainer`,
    {
      hint: launched
        ? "Give --resume to go on with it, or another --out folder."
        : "Give another --out folder.",
    },
  );
}

function chooseDevice(launch: LaunchSettings, found: OpenClipInstallation | null): "cpu" | "cuda" {
  const gpus = found?.gpus ?? null;
  if (launch.device === "auto") {
    if (launch.launcher !== "torchrun") return "cuda";
    return gpus !== null && gpus > 0 ? "cuda" : "cpu";
  }
  if (launch.device === "cuda" && gpus !== null && gpus < launch.processes) {
    throw new UserError(
      "gpus_too_few",
      `${launch.processes} processes want a GPU each; PyTorch sees ${gpus}`,
      {
        hint: "Lower --processes, or train with --device cpu.",
      },
    );
  }
  return launch.device;
}

function makeRecord(
  settings: TrainSettings,
  model: ModelConfig,
  { plan }: HandOver,
  { samples, identity, launch }: { samples: number; identity: DataIdentity; launch: LaunchSettings },
): RunRecord {
  return {
    version: 1,
    settings,
    model,
    data: { ...identity, samples, skipped: 0, stepsPerEpoch: plan.stepsPerEpoch, cached: false },
    steps: plan.steps,
    engine: {
      name: `open_clip (${launch.processes * launch.nodes} processes)`,
      version: openClipVersion,
      threads: settings.threads ?? Math.max(1, Math.floor(availableParallelism() / launch.processes)),
    },
    versions: { node: process.version, platform: `${process.platform}-${process.arch}` },
  };
}

async function writeScripts(facts: {
  paths: LaunchedRunPaths;
  launch: LaunchSettings;
  device: "cpu" | "cuda";
  command: string[];
  name: string;
  workers: number;
  threads: number | null;
}): Promise<void> {
  const { paths, launch, device, command, name, workers, threads } = facts;
  const script = launchScript({
    launch,
    program: trainerProgram(paths, device),
    arguments: command,
    threads,
    id: name,
  });
  await writeDurably(paths.script, [Buffer.from(script)]);
  if (launch.launcher === "slurm") {
    await writeDurably(paths.job.slurm, [Buffer.from(slurmScript({ launch, device, name, workers }, paths))]);
  } else if (launch.launcher === "kubernetes") {
    checkMounted(launch.mount!, [paths.run, ...command.filter((word) => word.startsWith("/"))]);
    await writeJsonDurably(paths.job.kubernetes, kubernetesJob({ launch, device, name }, paths));
  }
}

function checkMounted(mount: string, paths: readonly string[]): void {
  const outside = paths.find((path) => !`${path}/`.startsWith(`${mount.replace(/\/$/, "")}/`));
  if (outside === undefined) return;
  throw new UserError("not_mounted", `${outside} does not lie below ${mount}, which the pods see`, {
    hint: "--mount is the folder here that the claim holds: release and run must lie in it.",
  });
}

/** A name that Slurm, DNS and Kubernetes take. */
function jobName(run: string): string {
  const own = basename(run)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-");
  return `pairloom-${own}`.slice(0, 50).replace(/-+$/, "");
}
