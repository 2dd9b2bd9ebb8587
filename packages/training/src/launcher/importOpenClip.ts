import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  CheckpointError,
  checkPyTorchFile,
  checkStateDict,
  type ModelConfig,
  modelMetadata,
  readPyTorchFile,
  safetensorsParts,
} from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { checkpointFiles } from "../run/checkpoint.js";
import { writeDurably } from "../run/writeDurably.js";
import type { LaunchManifest, LaunchedRunPaths } from "./launchedRun.js";

interface EpochFile {
  epoch: number;
  path: string;
}

/** open_clip's checkpoints of a run, by rising epoch. */
export async function listEpochs({ openClipCheckpoints }: LaunchedRunPaths): Promise<EpochFile[]> {
  const names = await readdir(openClipCheckpoints).catch(() => []);
  return names
    .flatMap((name) => /^epoch_(\d+)\.pt$/.exec(name)?.[1] ?? [])
    .map((digits) => ({ epoch: Number(digits), path: join(openClipCheckpoints, `epoch_${digits}.pt`) }))
    .sort((a, b) => a.epoch - b.epoch);
}

/**
 * Brings those of open_clip's checkpoints that are whole and not here yet into the run's `checkpoints`, as
 * `step-NNNNNN.safetensors`, and removes all but the last `keep`, here and there.
 *
 * @returns the steps that were imported
 * @throws CheckpointError where a whole checkpoint is not one of the run's model
 */
export async function importEpochs(
  paths: LaunchedRunPaths,
  config: ModelConfig,
  { plan, openClip }: LaunchManifest,
  keep: number,
): Promise<number[]> {
  const imported: number[] = [];
  const here = new Set(await readdir(join(paths.run, "checkpoints")).catch(() => []));
  const epochs = await listEpochs(paths);
  for (const { epoch, path } of epochs.slice(-keep)) {
    const step = epoch * plan.stepsPerEpoch;
    const { model } = checkpointFiles(paths.run, step);
    if (here.has(model.slice(model.lastIndexOf("/") + 1))) continue;
    // open_clip writes in place: a file without its end is still being written
    if (!(await isWhole(path))) continue;
    const state = checkStateDict(await readPyTorchFile(path), config);
    const metadata = { ...modelMetadata(config), step: String(step), trainer: `open_clip ${openClip}` };
    await writeDurably(model, safetensorsParts(state, metadata));
    imported.push(step);
  }
  if (imported.length > 0) await prune(paths, plan.stepsPerEpoch, epochs.slice(0, -keep));
  return imported;
}

async function prune(
  paths: LaunchedRunPaths,
  stepsPerEpoch: number,
  old: readonly EpochFile[],
): Promise<void> {
  for (const { epoch, path } of old) {
    await rm(path, { force: true });
    await rm(checkpointFiles(paths.run, epoch * stepsPerEpoch).model, { force: true });
  }
}

/**
 * Sets aside checkpoints that were cut off, so that open_clip goes on from the newest that is whole.
 *
 * @throws UserError "checkpoints_unreadable" where several are there and none is whole: open_clip would begin again
 */
export async function setDamagedAside(paths: LaunchedRunPaths, warn: (line: string) => void): Promise<void> {
  const epochs = await listEpochs(paths);
  const torn: EpochFile[] = [];
  for (const epoch of epochs) if (!(await isWhole(epoch.path))) torn.push(epoch);
  // of one alone its writing was cut short
  if (torn.length > 1 && torn.length === epochs.length)
    throw new UserError(
      "checkpoints_unreadable",
      `None of the ${torn.length} checkpoints of ${paths.run} is whole`,
      {
        hint: `Put those in ${paths.openClipCheckpoints} back from a copy, or remove them to begin at step 1 again.`,
      },
    );
  for (const { path } of torn) {
    await rename(path, `${path}.damaged`);
    warn(`checkpoint ${path} is not whole; going on from the one before`);
  }
}

/** @throws what keeps a file that is there from being read, and isn't its own damage */
async function isWhole(path: string): Promise<boolean> {
  try {
    await checkPyTorchFile(path);
    return true;
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    // open_clip removed it meanwhile
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
