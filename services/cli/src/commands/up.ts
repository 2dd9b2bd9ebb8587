import { setTimeout as sleep } from "node:timers/promises";
import { funnelOf, UserError } from "@pairloom/config";
import type { Command } from "commander";
import { isEmptyProject, openOrStartProject, type Project, type WebOptions } from "../project/openProject.js";
import { onStopSignal } from "../services/onStopSignal.js";
import { stages, type StageName } from "../services/runStage.js";
import { startMonitor } from "../services/startMonitor.js";
import { superviseServices } from "../services/superviseServices.js";
import { funnelBlock, funnelLine } from "../terminal/funnelText.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { createSay } from "../terminal/say.js";
import { troubleNotice, type Trouble } from "../terminal/troubleNotice.js";
import { addWebOptions, dirOption, jsonOption, wholeNumber } from "./options.js";

interface UpOptions extends WebOptions {
  dir: string;
  untilIdle?: boolean;
  host: string;
  port: number;
  dashboard: boolean;
  mend?: boolean;
  verbose?: boolean;
  json?: boolean;
}

/** `pairloom up`: all services and the dashboard. */
export function addUpCommand(program: Command): void {
  addWebOptions(
    program
      .command("up")
      .description("run all services and the dashboard")
      .addOption(dirOption())
      .option("--until-idle", "stop when the road is empty")
      .option(
        "--host <address>",
        "the dashboard's address; beyond 127.0.0.1 PAIRLOOM_TOKEN must be set",
        "127.0.0.1",
      )
      .option("--port <n>", "the dashboard's port", wholeNumber(0), 7117)
      .option("--no-dashboard", "services only")
      .option(
        "--mend",
        "first put back every job whose result is missing (a damaged segment was deleted, Redis lost its data)",
      )
      .option("--verbose", "show what the services log")
      .addOption(jsonOption())
      .addHelpText(
        "after",
        `
Examples:
  $ pairloom up --dir data                 # until Ctrl-C; the dashboard is at http://127.0.0.1:7117
  $ pairloom up --dir data --until-idle    # until every queue is empty
`,
      )
      .action(async (options: UpOptions) => {
        const { mendRoad } = await import("../project/mendRoad.js");
        const say = createSay(options.json ?? false);
        const live = new LiveBlock();
        const onTrouble = troubleNotice((line) => live.note(line));
        const project = await openOrStartProject({ ...options, onTrouble }, (line) => say.info(line));
        let asked = false;
        onStopSignal(() => (asked = true));
        try {
          const monitor = options.dashboard
            ? await startMonitor(project, { host: options.host, port: options.port })
            : null;
          if (options.mend === true) {
            const { crawl, fetch, dedupe } = await mendRoad(project.road, project.store, project.settings);
            say.info(`Put back: ${crawl} crawl jobs, ${fetch} fetch jobs, ${dedupe} dedupe jobs.`);
          }
          if (monitor !== null) say.info(`Dashboard: ${monitor.url}`);
          try {
            if (await isEmptyProject(project)) {
              const page = monitor === null || options.untilIdle === true ? "" : " (or use the dashboard)";
              say.info(
                `Nothing is queued yet: put a query list or a site on the way with \`pairloom seed --dir ${options.dir} --help\`${page}.`,
              );
              if (options.untilIdle === true) {
                const funnel = funnelOf(await project.road.readFunnel());
                if (say.json) say.result({ idle: true, failedJobs: 0, funnel, dir: project.dir }, "");
                return;
              }
            }
            const outcome = await runRoad(project, {
              stages,
              untilIdle: options.untilIdle ?? false,
              stopAsked: () => asked,
              log: options.verbose === true ? (line) => say.info(line) : () => undefined,
              workerArgs: workerArguments(options),
              live,
              onTrouble,
            });
            const funnel = funnelOf(outcome.funnel);
            if (say.json)
              say.result(
                { idle: outcome.idle, failedJobs: outcome.failedJobs, funnel, dir: project.dir },
                "",
              );
            else if (options.untilIdle === true && outcome.idle) say.info("The road is empty.");
          } finally {
            await monitor?.close();
          }
        } finally {
          await project.close();
        }
      }),
  );
}

/** What `up` hands on to its workers. */
export function workerArguments(options: WebOptions): string[] {
  return [
    ...(options.allowPrivate ?? []).flatMap((cidr) => ["--allow-private", cidr]),
    ...(options.contact === undefined ? [] : ["--contact", options.contact]),
    ...(options.hostGapMs === undefined ? [] : ["--host-gap-ms", String(options.hostGapMs)]),
    ...(options.addressGapMs === undefined ? [] : ["--address-gap-ms", String(options.addressGapMs)]),
  ];
}

export interface RoadRun {
  stages: readonly StageName[];
  untilIdle: boolean;
  stopAsked: () => boolean;
  log: (line: string) => void;
  workerArgs: readonly string[];
  /** Shows the funnel while it runs; the terminal by default. */
  live?: LiveBlock;
  /** Told of what stops the work for now; a line above the funnel by default. */
  onTrouble?: (trouble: Trouble) => void;
}

export interface RoadOutcome {
  idle: boolean;
  failedJobs: number;
  funnel: Record<string, number>;
}

/**
 * Runs the services until somebody asks to stop or, with `untilIdle`, until every queue is empty.
 * A full disk stops nobody for good: it is told of, and the work goes on once there is room.
 * @throws UserError where a service can't go on, or where jobs failed for good
 */
export async function runRoad(project: Project, run: RoadRun): Promise<RoadOutcome> {
  const { road } = project;
  const live = run.live ?? new LiveBlock();
  const onTrouble = run.onTrouble ?? troubleNotice((line) => live.note(line));
  await road.retryFailed(); // the operator starts anew: what failed gets another chance
  let fatal: { stage: string; exitCode: number; message: string } | null = null;
  const supervised = superviseServices({
    dir: project.dir,
    stages: run.stages,
    args: run.workerArgs,
    log: run.log,
    onDiskFull: (message) => onTrouble({ code: "disk_full", message }),
    onFatal: (failure) => (fatal ??= failure),
  });
  let idle = false;
  let funnel: Record<string, number> = {};
  try {
    while (!run.stopAsked() && fatal === null) {
      try {
        funnel = (await soon(road.readFunnel())) ?? funnel;
        idle = run.untilIdle && (await soon(road.isIdle())) === true;
      } catch (error) {
        run.log(`waiting for Redis: ${(error as Error).message}`); // it is started again by whoever notices first
      }
      live.draw(funnelBlock(funnelOf(funnel)), funnelLine(funnelOf(funnel)));
      if (idle) break;
      await sleep(500);
    }
  } finally {
    await supervised.stop();
  }
  funnel = (await soon(road.readFunnel())) ?? funnel;
  live.finish(funnelBlock(funnelOf(funnel)), funnelLine(funnelOf(funnel)));
  throwFatal(fatal);
  const failed = idle ? await road.failedJobs() : ((await soon(road.failedJobs())) ?? []);
  if (failed.length > 0 && run.untilIdle)
    throw new UserError(
      "jobs_failed",
      `${failed.length} jobs failed for good, the first: ${failed[0]?.reason ?? ""}`,
      {
        hint: `Nothing is lost: run \`pairloom up --dir ${project.dir} --until-idle\` to try them again; --verbose shows why.`,
      },
    );
  return { idle, failedJobs: failed.length, funnel };
}

/** Null where Redis doesn't answer: it may be away until a disk has room again, and who asks to stop must be heard. */
async function soon<T>(answer: Promise<T>): Promise<T | null> {
  answer.catch(() => undefined);
  return Promise.race([answer, sleep(2000, null, { ref: false })]);
}

function throwFatal(failure: { stage: string; exitCode: number; message: string } | null): void {
  if (failure === null) return;
  throw new UserError("service_stopped", `The ${failure.stage} can't go on: ${failure.message}`, {
    hint: "Mend that and run the same command again: it goes on where it stopped.",
    exitCode: failure.exitCode,
  });
}
