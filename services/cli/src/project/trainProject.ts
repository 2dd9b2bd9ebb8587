import { join } from "node:path";
import { UserError } from "@pairloom/config";
import type { TrainingWish } from "@pairloom/service-monitor";
import type { Project } from "./openProject.js";
import { releaseMark } from "./releaseProject.js";
import { runNames } from "./runFolders.js";

/** Puts a training on the trainer's queue; `again`: a run that is there goes on. @throws UserError where its release isn't there or its run's name is taken */
export async function launchTraining(
  { road, store, dir }: Project,
  wish: TrainingWish,
  { again = false }: { again?: boolean } = {},
): Promise<{ run: string }> {
  const { release, run: wanted, ...options } = wish;
  if ((await store.stat(releaseMark(release))) === null)
    throw new UserError("release_missing", `There is no finished release "${release}" in ${dir}`, {
      hint: "Make one with `pairloom release`, or look at the names in its releases folder.",
    });
  const queued = (await road.queues.trainer.getJobs()) as ({ data: { run: string } } | undefined)[];
  const taken = [
    ...(await runNames(dir)),
    ...queued.flatMap((job) => (job === undefined ? [] : [job.data.run])),
  ];
  const run = wanted ?? nextName(taken);
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(run))
    throw new UserError(
      "run_name_invalid",
      `"${run}" can't name a run: letters, digits, dots, dashes and underscores can`,
    );
  if (wanted !== undefined && taken.includes(wanted) && !again)
    throw new UserError("run_exists", `There is a run "${wanted}" already`, { hint: "Choose another name." });
  const settings = { ...options, data: join(dir, "releases", release) };
  await road.add("trainer", [{ id: `t-${run}`, data: { run, settings } }]);
  return { run };
}

function nextName(taken: readonly string[]): string {
  const numbers = taken.map((name) => Number(/^run-(\d+)$/.exec(name)?.[1] ?? 0));
  return `run-${String(Math.max(0, ...numbers) + 1).padStart(4, "0")}`;
}
