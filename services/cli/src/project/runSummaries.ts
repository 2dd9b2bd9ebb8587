import { stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@pairloom/config";
import type { JobPlace } from "@pairloom/queue";
import type { RunDetails, RunSummary } from "@pairloom/service-monitor";
import {
  deviceLane,
  lockedAdvice,
  readRunJob,
  runState,
  trainingJobId,
  type WishedRun,
} from "@pairloom/service-trainer";
import type { Project } from "./openProject.js";
import { readRunFolder, type RunFolder, runNames } from "./runFolders.js";
import { priorityName } from "./trainingDevices.js";

/** Every run of a project, in version order. */
export async function listRuns(project: Project): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for (const run of await runNames(project.dir)) runs.push(await summariseRun(project, run));
  return runs;
}

/** Where a run stands: follows from its folder and from the queue. */
export async function summariseRun(project: Project, run: string): Promise<RunSummary> {
  return (await lookAtRun(project, run)).summary;
}

/** @throws UserError "run_missing" */
export async function showRun(project: Project, run: string): Promise<RunDetails> {
  const folder = await runFolder(project, run);
  const { summary, files, wished } = await lookAtRun(project, run);
  return { ...summary, folder, given: wished?.job.settings ?? {}, settings: files.settings };
}

/** The folder of a run that is there. @throws UserError "run_missing" */
export async function runFolder({ dir }: Pick<Project, "dir">, run: string): Promise<string> {
  const folder = join(dir, "runs", run);
  const isName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(run);
  if (!isName || (await stat(folder).catch(() => null))?.isDirectory() !== true)
    throw new UserError("run_missing", `There is no run ${JSON.stringify(run)} in ${join(dir, "runs")}`, {
      hint: "`pairloom jobs list` shows the runs.",
    });
  return folder;
}

export interface RunLook {
  summary: RunSummary;
  files: RunFolder;
  wished: WishedRun | null;
}

export async function lookAtRun({ dir, store, road }: Project, run: string): Promise<RunLook> {
  const wished = await readRunJob(store, run);
  // the queue first: a run that ends between both looks is finished, not lost
  const place =
    wished === null
      ? null
      : await road.jobPlace("trainer", trainingJobId(run, wished.train), deviceLane(wished.job.device));
  const files = await readRunFolder(join(dir, "runs", run));
  const { waitsFor, lockedBy } = waitsOf(place);
  const state = runState({
    wish: wished?.wish ?? null,
    queued: waitsFor === null && lockedBy === null ? (place?.state ?? null) : "waiting",
    isFinished: files.isFinished,
    isHeld: files.isHeld && lockedBy === null,
  });
  const { model, step, steps, last, evaluation, checkpoints } = files;
  const given = wished?.job.settings["model"];
  const summary: RunSummary = {
    run,
    state,
    reason: reasonOf(state, place, { waitsFor, lockedBy }),
    model: model ?? (typeof given === "string" ? given : null),
    device: wished?.job.device ?? null,
    priority: wished === null ? null : priorityName(wished.job.priority),
    clonedFrom: wished?.job.clonedFrom ?? null,
    asked: wished?.asked ?? null,
    step,
    steps,
    loss: last === null ? null : Number(last["loss"]),
    checkpoints,
    last,
    evaluation,
  };
  return { summary, files, wished };
}

/** What a job that a worker has waits for. */
interface Waits {
  waitsFor: string | null;
  lockedBy: string | null;
}

function waitsOf(place: JobPlace | null): Waits {
  const { waitsFor, lockedBy } = (place?.progress ?? {}) as Record<keyof Waits, unknown>;
  const said = (value: unknown) => (place?.state === "active" && typeof value === "string" ? value : null);
  return { waitsFor: said(waitsFor), lockedBy: said(lockedBy) };
}

function reasonOf(
  state: RunSummary["state"],
  place: JobPlace | null,
  { waitsFor, lockedBy }: Waits,
): string | null {
  if (state === "waiting" && lockedBy !== null) return `its folder is locked by ${lockedBy}. ${lockedAdvice}`;
  if (state === "waiting" && waitsFor !== null) return `another training is on ${waitsFor}`;
  const failedBefore = state === "waiting" && (place?.attempts ?? 0) > 0;
  return state === "failed" || failedBefore ? (place?.reason ?? null) : null;
}
