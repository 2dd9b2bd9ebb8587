import { join } from "node:path";
import { UserError } from "@pairloom/config";
import type { RunSummary, TrainingChanges, TrainingCommand, TrainingWish } from "@pairloom/service-monitor";
import {
  deviceLane,
  publishRunJob,
  publishWish,
  queueTraining,
  readRunJob,
  trainingJobId,
  type RunJob,
  type WishedRun,
  type WishKind,
  wishApplies,
} from "@pairloom/service-trainer";
import { checkLaunch } from "./checkLaunch.js";
import { checkName } from "./checkName.js";
import type { Project } from "./openProject.js";
import { releaseMark } from "./releaseProject.js";
import { runNames } from "./runFolders.js";
import { lookAtRun, runFolder, summariseRun } from "./runSummaries.js";
import { priorityName, priorityNumber, trainingDevice } from "./trainingDevices.js";

/** Settings that the queue decides: where a run is, and that it goes on. */
const decidedHere = ["out", "resume"] as const;

/**
 * Publishes a training's job, which claims its name, and puts it on its device's queue. Killed between both, it is put there by
 * the next trainer that looks.
 * @throws UserError where its release isn't there, a setting is wrong, or its run's name is taken
 */
export async function launchTraining(
  project: Project,
  wish: TrainingWish,
  clonedFrom: string | null = null,
): Promise<{ run: string }> {
  const settings = { ...wish.settings };
  for (const name of decidedHere) delete settings[name];
  if (wish.run !== undefined) checkName("run", wish.run);
  if (wish.release !== undefined) {
    checkName("release", wish.release);
    if ((await project.store.stat(releaseMark(wish.release))) === null)
      throw new UserError(
        "release_missing",
        `There is no finished release "${wish.release}" in ${project.dir}`,
        {
          hint: "Make one with `pairloom release`, or look at the names in its releases folder.",
        },
      );
    settings["data"] = join("releases", wish.release);
  }
  if (settings["data"] === undefined)
    throw new UserError("release_missing", "A training needs a release", {
      hint: "Name one of the project's (--release), or any folder of shards (--data).",
    });
  const device = await trainingDevice(wish.device, settings["engine"]);
  if (device.startsWith("webgpu")) settings["engine"] ??= "webgpu";
  await checkLaunch(project, settings, device);
  const job = await claimName(project, wish.run, {
    version: 1,
    run: "",
    settings,
    device,
    priority: priorityNumber(wish.priority ?? "normal"),
    clonedFrom,
    asked: new Date().toISOString(),
  });
  await queueTraining(project.road, { job, wish: "train", number: 0, train: 0, asked: job.asked });
  return { run: job.run };
}

/** A new run with the settings of another and the changes given. @throws UserError */
export async function cloneTraining(
  project: Project,
  run: string,
  changes: TrainingChanges,
): Promise<{ run: string }> {
  await runFolder(project, run);
  const { files, wished } = await lookAtRun(project, run);
  const given = wished?.job.settings ?? files.settings;
  if (given === null)
    throw new UserError("run_empty", `The run "${run}" has no settings to clone`, {
      hint: "Launch a new one: pairloom jobs launch --help",
    });
  const settings = { ...given, ...changes.settings };
  // a length in the other unit takes the place of the one that was given
  if (changes.settings["epochs"] !== undefined && changes.settings["steps"] === undefined)
    delete settings["steps"];
  const engineChanged = changes.settings["engine"] !== undefined;
  const device = changes.device ?? (engineChanged ? undefined : wished?.job.device);
  const priority = changes.priority ?? (wished === null ? undefined : priorityName(wished.job.priority));
  return launchTraining(
    project,
    {
      settings,
      ...(changes.run === undefined ? {} : { run: changes.run }),
      ...(device === undefined ? {} : { device }),
      ...(priority === undefined ? {} : { priority }),
    },
    run,
  );
}

const wishOf: Record<TrainingCommand, WishKind> = { pause: "pause", resume: "train", cancel: "cancel" };

/**
 * Stores a wish beside the run, then acts on it: a waiting job leaves the queue, a running one ends by its own look at the
 * wishes, a resumed one joins the queue. Killed in between, the trainer finds the wish all the same.
 * @returns where the run stands now
 * @throws UserError "run_missing", "run_is_STATE"
 */
export async function wishTraining(
  project: Project,
  run: string,
  command: TrainingCommand,
): Promise<RunSummary> {
  await runFolder(project, run);
  const wish = wishOf[command];
  for (;;) {
    const { summary, wished } = await lookAtRun(project, run);
    if (!wishApplies(run, summary.state, wish)) {
      if (wished?.wish === "train") await queueTraining(project.road, wished); // if a kill kept it from the queue
      break;
    }
    const before = wished ?? (await adoptRun(project, run));
    if (!(await publishWish(project.store, before, wish))) continue; // somebody was quicker: look again
    await followWish(project, before);
    break;
  }
  return summariseRun(project, run);
}

async function followWish({ road, store }: Project, before: WishedRun): Promise<void> {
  const { run, device } = before.job;
  await road.removeJob("trainer", trainingJobId(run, before.train), deviceLane(device));
  const now = await readRunJob(store, run);
  if (now?.wish === "train") await queueTraining(road, now);
}

/** A run that was begun by hand in the project's folder becomes a job, so that it can be queued. */
async function adoptRun({ dir, store, road }: Project, run: string): Promise<WishedRun> {
  const { files } = await lookAtRun({ dir, store, road } as Project, run);
  const settings = { ...files.settings };
  for (const name of decidedHere) delete settings[name];
  const device = await trainingDevice(undefined, settings["engine"]);
  const asked = new Date().toISOString();
  const job: RunJob = { version: 1, run, settings, device, priority: 100, clonedFrom: null, asked };
  await publishRunJob(store, job);
  const wished = await readRunJob(store, run);
  if (wished === null) throw new Error(`runs/${run}/job can't be written`);
  return wished;
}

/** Publishes the job under its name, or under the next free number. @throws UserError "run_exists" */
async function claimName(
  { dir, store }: Project,
  wanted: string | undefined,
  draft: RunJob,
): Promise<RunJob> {
  for (;;) {
    const taken = await runNames(dir);
    const run = wanted ?? nextName(taken);
    const job = { ...draft, run };
    if (!taken.includes(run) && (await publishRunJob(store, job)) === "published") return job;
    if (wanted !== undefined)
      throw new UserError("run_exists", `There is a run "${wanted}" already`, {
        hint: "Choose another name.",
      });
  }
}

function nextName(taken: readonly string[]): string {
  const numbers = taken.map((name) => Number(/^run-(\d+)$/.exec(name)?.[1] ?? 0));
  return `run-${String(Math.max(0, ...numbers) + 1).padStart(4, "0")}`;
}
