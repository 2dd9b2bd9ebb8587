import { setTimeout as sleep } from "node:timers/promises";
import type { RunDetails } from "@pairloom/service-monitor";
import type { Command } from "commander";
import type { Project } from "../project/openProject.js";
import { onStopSignal } from "../services/onStopSignal.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { evaluationLine, metricsLine, sparkline } from "../terminal/runText.js";
import { dirOption, jsonOption } from "./options.js";
import { type ProjectOptions, withProject } from "./withProject.js";

/** States from which a run does not move by itself. */
const restful = new Set<RunDetails["state"]>(["paused", "cancelled", "failed", "finished", "stopped"]);

/** `pairloom jobs watch`: a run as it goes, until it rests. */
export function addJobsWatchCommand(jobs: Command): void {
  jobs
    .command("watch")
    .description("follow a run until it ends or is paused (Ctrl-C stops watching, not the run)")
    .argument("<run>", "the run's name")
    .addOption(dirOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
With --json each line of metrics is an object on a line of its own, then the run.

Examples:
  $ pairloom jobs watch run-0001 --dir data
  $ pairloom jobs watch run-0001 --dir data --json | jq .loss
`,
    )
    .action((run: string, options: ProjectOptions) =>
      withProject(options, (project) => watch(project, run, options.json ?? false)),
    );
}

async function watch(project: Project, run: string, json: boolean): Promise<void> {
  const { readMetrics } = await import("../project/runFolders.js");
  const { showRun } = await import("../project/runSummaries.js");
  let stop = false;
  onStopSignal(() => (stop = true));
  const live = new LiveBlock(process.stdout);
  const losses: number[] = [];
  let evaluation: string | null = null;
  for (let offset = 0; ;) {
    const details = await showRun(project, run);
    const more = await readMetrics(details.folder, offset);
    ({ offset } = more);
    for (const line of more.lines) {
      if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
      if (typeof line["loss"] === "number") losses.push(line["loss"]);
      else if (typeof line["evaluation"] === "object")
        evaluation = evaluationLine(line as Parameters<typeof evaluationLine>[0]);
    }
    const ends = stop || (restful.has(details.state) && more.lines.length === 0);
    if (!json) {
      const block = await watchBlock(details, losses, evaluation);
      const line = watchLine(details);
      if (ends) live.finish(block, line);
      else live.draw(block, line);
    }
    if (ends) {
      if (json) process.stdout.write(`${JSON.stringify(details)}\n`);
      return;
    }
    await sleep(500);
  }
}

function watchLine({ run, state, reason, steps, last }: RunDetails): string {
  const where = reason === null ? state : `${state} (${reason})`;
  return `${run}  ${where}  ${last === null ? "" : `of ${steps ?? "?"}: ${metricsLine(last)}`}`.trimEnd();
}

/** The block of a terminal: where it stands, the curve, the last evaluation, a picture's captions. */
async function watchBlock(
  details: RunDetails,
  losses: readonly number[],
  evaluation: string | null,
): Promise<string> {
  const { readSamples } = await import("../project/runFolders.js");
  const { run, state, reason, device, step, steps, last } = details;
  const share = steps === null ? 0 : Math.min(1, step / steps);
  const bar = `${"█".repeat(Math.round(30 * share))}${"░".repeat(30 - Math.round(30 * share))}`;
  const speed = Number(last?.["stepMs"] ?? 0) + Number(last?.["dataWaitMs"] ?? 0);
  const left =
    state === "running" && steps !== null && speed > 0
      ? `  ${duration(((steps - step) * speed) / 1000)} left`
      : "";
  const picture = (await readSamples(details.folder)).at(-1)?.pictures[0];
  const width = Math.max(40, (process.stdout.columns ?? 100) - 1);
  return [
    `${run}  ${reason === null ? state : `${state}: ${reason}`}  ${device ?? ""}`,
    `${bar}  step ${step} of ${steps ?? "?"}${left}`,
    ...(last === null ? [] : [metricsLine(last)]),
    ...(losses.length > 1 ? [`loss ${sparkline(losses)}`] : []),
    ...(evaluation === null ? [] : [evaluation]),
    ...(picture === undefined
      ? []
      : [
          `“${picture.caption}” → ${picture.found.map(({ caption, score }) => `${caption} (${score.toFixed(2)})`).join(",  ")}`,
        ]),
  ]
    .flatMap((line) => wrapped(line, width))
    .join("\n");
}

/** Breaks a line between its parts (two spaces apart), so that a terminal doesn't: a block is redrawn by its lines. */
function wrapped(line: string, width: number): string[] {
  const lines = [""];
  for (const part of line.split("  ")) {
    const last = lines.at(-1)!;
    const longer = last === "" ? part : `${last}  ${part}`;
    if (longer.length <= width || last === "") lines[lines.length - 1] = longer.slice(0, width);
    else lines.push(`  ${part}`.slice(0, width));
  }
  return lines;
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
