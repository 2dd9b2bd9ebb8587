import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { onStopSignal } from "../services/onStopSignal.js";
import { runTable, runText } from "../terminal/runText.js";
import { createSay } from "../terminal/say.js";
import { addJobsLaunchCommands } from "./jobsLaunch.js";
import { addJobsWatchCommand } from "./jobsWatch.js";
import { dirOption, jsonOption } from "./options.js";
import { type ProjectOptions, withProject } from "./withProject.js";

/** `pairloom jobs`: trainings that are queued: launched, watched, paused, resumed, cancelled, cloned. */
export function addJobsCommand(program: Command): void {
  const jobs = program
    .command("jobs")
    .description("training jobs: launch, list, watch, pause, resume, cancel, clone")
    .addHelpText(
      "after",
      `
Examples:
  $ pairloom up --dir data                                   # runs the jobs, among all other services
  $ pairloom worker trainer --dir data                       # or the trainer alone
  $ pairloom jobs launch --dir data --release r0001 --model tiny --evaluate-every 100
  $ pairloom jobs watch run-0001 --dir data
  $ pairloom jobs pause run-0001 --dir data
  $ pairloom jobs clone run-0001 --dir data --set lr=1e-3
`,
    );
  addJobsLaunchCommands(jobs);
  jobs
    .command("list")
    .description("every run and where it stands")
    .addOption(dirOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom jobs list --dir data\n")
    .action((options: ProjectOptions) =>
      withProject(options, async (project) => {
        const { listRuns } = await import("../project/runSummaries.js");
        const runs = await listRuns(project);
        createSay(options.json ?? false).result({ runs }, runTable(runs));
      }),
    );
  jobs
    .command("show")
    .description("one run in full")
    .argument("<run>", "the run's name")
    .addOption(dirOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom jobs show run-0001 --dir data\n")
    .action((run: string, options: ProjectOptions) =>
      withProject(options, async (project) => {
        const { showRun } = await import("../project/runSummaries.js");
        const details = await showRun(project, run);
        createSay(options.json ?? false).result(details, runText(details));
      }),
    );
  addJobsWatchCommand(jobs);
  const wishes = [
    ["pause", "write a checkpoint and end; the job waits until it is resumed, others go on"],
    ["resume", "queue a paused, failed or stopped run: it goes on from its newest checkpoint"],
    ["cancel", "end for good; checkpoints stay"],
  ] as const;
  for (const [wish, description] of wishes)
    jobs
      .command(wish)
      .description(description)
      .argument("<run>", "the run's name")
      .addOption(dirOption())
      .addOption(jsonOption())
      .addHelpText("after", `\nExample:\n  $ pairloom jobs ${wish} run-0001 --dir data\n`)
      .action((run: string, options: ProjectOptions) =>
        withProject(options, async (project) => {
          const { wishTraining } = await import("../project/trainProject.js");
          const summary = await wishTraining(project, run, wish);
          createSay(options.json ?? false).result(summary, `${run} is ${summary.state}.`);
        }),
      );
  jobs
    .command("logs")
    .description("what the run's process said")
    .argument("<run>", "the run's name")
    .addOption(dirOption())
    .option("--follow", "keep showing what comes until Ctrl-C")
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  $ pairloom jobs logs run-0001 --dir data --follow\n")
    .action((run: string, options: ProjectOptions & { follow?: boolean }) =>
      withProject(options, async (project) => {
        const { runFolder } = await import("../project/runSummaries.js");
        await showLog(await runFolder(project, run), options);
      }),
    );
}

async function showLog(folder: string, options: { follow?: boolean; json?: boolean }): Promise<void> {
  const { readLog } = await import("../project/runFolders.js");
  let stop = options.follow !== true;
  if (!stop) onStopSignal(() => (stop = true));
  for (let offset = 0; ;) {
    const more = await readLog(folder, offset);
    const isNew = more.offset !== offset;
    ({ offset } = more);
    if (more.text !== "")
      process.stdout.write(options.json === true ? `${JSON.stringify(more)}\n` : more.text);
    if (isNew) continue;
    if (stop) return;
    await sleep(500);
  }
}
