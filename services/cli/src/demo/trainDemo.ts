import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@pairloom/config";
import { readCheckpoints, readMetrics, readRunFolder, runNames } from "../project/runFolders.js";
import type { Project } from "../project/openProject.js";
import { launchTraining, wishTraining } from "../project/trainProject.js";
import { superviseServices } from "../services/superviseServices.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import type { Say } from "../terminal/say.js";
import { troubleNotice } from "../terminal/troubleNotice.js";
import type { DemoOptions } from "./demoRoad.js";
import { stopped } from "./stopped.js";

const runName = "demo";

/** Launches the demo's training through the trainer's queue, and follows it to its end. */
export async function trainDemo(
  project: Project,
  { engine, seed, steps, stopAsked }: DemoOptions,
  say: Say,
): Promise<{ run: string; checkpoint: string }> {
  const run = join(project.dir, "runs", runName);
  const finished = async () => (await readRunFolder(run)).isFinished;
  if (!(await finished())) {
    await project.road.retryFailed(["trainer"]);
    if ((await runNames(project.dir)).includes(runName)) await wishTraining(project, runName, "resume");
    else
      await launchTraining(project, {
        release: "train",
        run: runName,
        settings: { model: "tiny", engine, seed, ...(steps === undefined ? {} : { steps }) },
      });
    say.info(`Training (run ${runName}, model tiny, engine ${engine}):`);
    await follow(project, run, stopAsked);
    if (!(await finished())) throw await whyNot(project, stopAsked());
  }
  const newest = (await readCheckpoints(run)).at(-1);
  if (newest === undefined) throw new UserError("checkpoint_missing", `${run} has no checkpoint`);
  return { run, checkpoint: join(run, "checkpoints", newest.file) };
}

async function follow(project: Project, run: string, stopAsked: () => boolean): Promise<void> {
  const live = new LiveBlock();
  const onTrouble = troubleNotice((line) => live.note(line));
  const supervised = superviseServices({
    dir: project.dir,
    stages: ["trainer"],
    args: [],
    log: () => undefined,
    onDiskFull: (message) => onTrouble({ code: "disk_full", message }),
    onFatal: () => undefined,
  });
  let offset = 0;
  let shown = "  preparing";
  try {
    while (!stopAsked() && !(await project.road.isIdle(["trainer"]))) {
      const more = await readMetrics(run, offset);
      offset = more.offset;
      const last = more.lines.findLast((line) => typeof line["loss"] === "number") as
        { step: number; loss: number; logitScale: number; samplesPerSecond: number } | undefined;
      if (last !== undefined) {
        const { steps } = await readRunFolder(run);
        shown =
          `  step ${last.step} of ${steps ?? "?"}   loss ${last.loss.toFixed(3)}   ` +
          `temperature 1/${last.logitScale.toFixed(1)}   ${last.samplesPerSecond.toFixed(0)} samples/s`;
      }
      live.draw(shown, shown.trim());
      await sleep(300);
    }
  } finally {
    live.finish(shown, shown.trim());
    await supervised.stop();
  }
}

async function whyNot(project: Project, wasAsked: boolean): Promise<UserError> {
  if (wasAsked) return stopped(project.dir);
  const [failed] = await project.road.failedJobs(["trainer"]);
  return new UserError(
    "training_failed",
    `The training ended early: ${failed?.reason ?? "no reason is known"}`,
    {
      hint: `Run it again to go on from its last checkpoint: pairloom demo --dir ${project.dir}`,
    },
  );
}
