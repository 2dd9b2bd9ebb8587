import { lockRun } from "../run/lockRun.js";
import type { TrainSettings } from "../settings/trainSettings.js";
import { type LaunchSettingsInput, resolveLaunchSettings } from "./launchSettings.js";
import { type PreparedLaunch, prepareLaunch } from "./prepareLaunch.js";
import { submitJob } from "./submitJob.js";
import { followTrainer, type LaunchedResult, type LaunchOptions, trainHere } from "./trainLaunched.js";

export interface LaunchWish extends LaunchOptions {
  /** Write everything, start nothing. */
  dryRun?: boolean;
  /** Hand the job to Slurm or Kubernetes; otherwise its description is written alone. */
  submit?: boolean;
  /** Stay with a submitted job until its end. */
  follow?: boolean;
}

export type LaunchOutcome =
  | { status: "prepared"; steps: number; files: string[] }
  | { status: "submitted"; steps: number; job: string; files: string[] }
  | LaunchedResult;

/**
 * Trains a model on a release by open_clip under torchrun, on this machine or by a cluster's job: from the same shards,
 * config and starting weights as `train`, with its settings as far as open_clip knows them.
 *
 * @throws UserError where something can't be used, or open_clip fails
 */
export async function launchOpenClip(
  settings: TrainSettings,
  launchInput: LaunchSettingsInput,
  wish: LaunchWish = {},
): Promise<LaunchOutcome> {
  const launch = resolveLaunchSettings(launchInput);
  const { log = () => {}, dryRun = false } = wish;
  const prepared = await prepareLaunch(settings, launch, {
    look: !dryRun,
    warn: (line) => log(`warning: ${line}`),
  });
  const { plan, batchSizePerProcess } = prepared.manifest;
  log(
    `${launch.nodes * launch.processes} processes, ${batchSizePerProcess} pairs each; ` +
      `${plan.steps} steps as ${plan.epochs} epochs of ${plan.stepsPerEpoch}`,
  );
  const files = filesOf(prepared);
  if (dryRun || (launch.launcher !== "torchrun" && wish.submit !== true)) {
    return { status: "prepared", steps: plan.steps, files };
  }
  const lock = await lockRun(prepared.paths.run, { log });
  const guarded = { ...wish, lock };
  try {
    if (launch.launcher === "torchrun") return await trainHere(prepared, guarded);
    const job = await submitJob(prepared);
    log(`submitted as ${job.id}`);
    if (wish.follow !== true) return { status: "submitted", steps: plan.steps, job: job.id, files };
    return await followTrainer(prepared, guarded, job);
  } finally {
    await lock.release();
  }
}

function filesOf({ paths, manifest }: PreparedLaunch): string[] {
  const { launcher } = manifest.launch;
  return [
    ...(launcher === "torchrun" ? [] : [paths.job[launcher]]),
    paths.script,
    paths.manifest,
    paths.modelFolder,
  ];
}
