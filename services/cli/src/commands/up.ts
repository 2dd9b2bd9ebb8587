import { setTimeout as sleep } from "node:timers/promises";
import { funnelOf, UserError } from "@pairloom/config";
import type { Command } from "commander";
import { isEmptyProject, openOrStartProject, type Project, type WebOptions } from "../project/openProject.js";
import { onStopSignal } from "../services/onStopSignal.js";
import { stages, type StageName } from "../services/runStage.js";
import { startMonitor } from "../services/startMonitor.js";
import { type ServiceFailure, superviseServices } from "../services/superviseServices.js";
import { funnelBlock, funnelLine } from "../terminal/funnelText.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { createSay, type Say } from "../terminal/say.js";
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

/** Between two lines about where mending stands. */
const tellEveryMs = 5000;

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
        "first rebuild the queues from the project's files: where Redis lost its data, or files are damaged or deleted",
      )
      .option("--verbose", "show what the services log")
      .addOption(jsonOption())
      .addHelpText(
        "after",
        `
Examples:
  $ pairloom up --dir data                 # until Ctrl-C; the dashboard is at http://127.0.0.1:7117
  $ pairloom up --dir data --until-idle    # until every queue is empty
  $ pairloom up --dir data --mend          # Redis lost its data, or a segment is damaged: do again what is missing

--mend reads every file of the crawl. Damaged ones go to data/damaged, and what they held is made again. Stop other
workers of the project first. It may be stopped at any moment and run again.
`,
      )
      .action(async (options: UpOptions) => {
        const say = createSay(options.json ?? false);
        const live = new LiveBlock();
        const onTrouble = troubleNotice((line) => live.note(line));
        const project = await openOrStartProject(
          { ...options, onTrouble, evenForgotten: options.mend ?? false },
          (line) => say.info(line),
        );
        let asked = false;
        onStopSignal(() => (asked = true));
        try {
          const monitor = options.dashboard
            ? await startMonitor(project, { host: options.host, port: options.port })
            : null;
          for (const warning of project.redis.warnings) say.warn(warning);
          const mended = options.mend === true ? await mendAndTell(project, say) : null;
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
              ...(mended === null ? {} : { onFirstIdle: () => fetchOrphans(project, say) }),
            });
            const funnel = funnelOf(outcome.funnel);
            if (say.json)
              say.result(
                {
                  idle: outcome.idle,
                  failedJobs: outcome.failedJobs,
                  funnel,
                  dir: project.dir,
                  ...(mended === null ? {} : { mended }),
                },
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

async function mendAndTell(project: Project, say: Say) {
  const { mendProject } = await import("../mend/mendProject.js");
  const { mendedText } = await import("../mend/mendedText.js");
  let tellAt = Date.now() + tellEveryMs;
  const mended = await mendProject(project, (line) => {
    if (Date.now() < tellAt) return;
    tellAt = Date.now() + tellEveryMs;
    say.info(`Mending: ${line}`);
  });
  say.info(mendedText(mended));
  return mended;
}

async function fetchOrphans(project: Project, say: Say): Promise<boolean> {
  if ((await project.road.failedJobs()).length > 0) return false; // one of them may be the one that fetches it
  const { putBackOrphans } = await import("../mend/putBackOrphans.js");
  const jobs = await putBackOrphans(project);
  if (jobs > 0) say.info(`Put back: ${jobs} fetch jobs for pictures that only lost rows had fetched.`);
  return jobs > 0;
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
  /** Called once when every queue is empty for the first time. @returns true where there is work again */
  onFirstIdle?: () => Promise<boolean>;
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
 * @throws UserError where a service can't go on, Redis lost the project's data, or jobs failed for good
 */
export async function runRoad(project: Project, run: RoadRun): Promise<RoadOutcome> {
  const { road } = project;
  const live = run.live ?? new LiveBlock();
  const onTrouble = run.onTrouble ?? troubleNotice((line) => live.note(line));
  await road.retryFailed(); // the operator starts anew: what failed gets another chance
  let fatal: ServiceFailure | null = null;
  let forgotten: UserError | null = null;
  const supervised = superviseServices({
    dir: project.dir,
    stages: run.stages,
    args: run.workerArgs,
    log: run.log,
    onDiskFull: (message) => onTrouble({ code: "disk_full", message }),
    onFatal: (failure) => (fatal ??= failure),
  });
  let idle = false;
  let onFirstIdle = run.onFirstIdle;
  let funnel: Record<string, number> = {};
  try {
    while (!run.stopAsked() && fatal === null) {
      try {
        await soon(road.checkEpoch());
        funnel = (await soon(road.readFunnel())) ?? funnel;
        idle = (run.untilIdle || onFirstIdle !== undefined) && (await soon(road.isIdle())) === true;
        if (idle && onFirstIdle !== undefined) {
          const findMore = onFirstIdle;
          onFirstIdle = undefined;
          idle = !(await findMore());
        }
      } catch (error) {
        if (error instanceof UserError && error.code === "redis_forgot") {
          forgotten = error;
          break;
        }
        run.log(`waiting for Redis: ${(error as Error).message}`); // it is started again by whoever notices first
      }
      live.draw(funnelBlock(funnelOf(funnel)), funnelLine(funnelOf(funnel)));
      if (idle && run.untilIdle) break;
      await sleep(500);
    }
  } finally {
    await supervised.stop();
  }
  if (forgotten === null) funnel = (await soon(road.readFunnel())) ?? funnel;
  live.finish(funnelBlock(funnelOf(funnel)), funnelLine(funnelOf(funnel)));
  if (forgotten !== null) throw forgotten;
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
  if (idle && run.untilIdle) await checkFinished(project);
  return { idle, failedJobs: failed.length, funnel };
}

/** Empty queues are no proof that the work is done: Redis may have come back with an older state of them. */
async function checkFinished({ dir, store, settings }: Project): Promise<void> {
  const { findUnfinished } = await import("../mend/findUnfinished.js");
  const missing = await findUnfinished(store, settings);
  if (missing === null) return;
  const { RedisForgotError } = await import("@pairloom/queue");
  throw new RedisForgotError(
    `Every queue is empty, but ${missing} is missing`,
    `pairloom up --dir ${dir} --mend`,
  );
}

/** Null where Redis doesn't answer: it may be away until a disk has room again, and who asks to stop must be heard. */
async function soon<T>(answer: Promise<T>): Promise<T | null> {
  answer.catch(() => undefined);
  return Promise.race([answer, sleep(2000, null, { ref: false })]);
}

function throwFatal(failure: ServiceFailure | null): void {
  if (failure === null) return;
  throw new UserError("service_stopped", `The ${failure.stage} can't go on: ${failure.message}`, {
    hint: failure.hint ?? "Mend that and run the same command again: it goes on where it stopped.",
    exitCode: failure.exitCode,
  });
}
