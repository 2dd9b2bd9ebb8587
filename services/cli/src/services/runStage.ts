import { join } from "node:path";
import { UserError } from "@pairloom/config";
import type { QueueName, RunningWorker } from "@pairloom/queue";
import type { Project } from "../project/openProject.js";
import { readProjectFile } from "../project/projectFile.js";

export const stages = [
  "expander",
  "crawler",
  "fetcher",
  "deduper",
  "sharder",
  "trainer",
] as const satisfies QueueName[];
export type StageName = (typeof stages)[number];

export interface StageOptions {
  log: (line: string) => void;
  /** An error after which the process must end (a full disk). */
  onFatal: (error: unknown) => void;
}

/**
 * Starts one stage's worker in this process: the composition root of the service. Each imports what it alone needs, so that
 * a service starts quickly, and again after it was killed.
 */
export async function runStage(
  project: Project,
  stage: StageName,
  options: StageOptions,
): Promise<RunningWorker> {
  const { road, store, settings } = project;
  const { runWorker } = await import("@pairloom/queue");
  const { log, onFatal } = options;
  const common = { log, onFatal };
  // The dashboard may add sources while this runs.
  const withSources = async () => ({ ...settings, sources: (await readProjectFile(project.dir)).sources });
  switch (stage) {
    case "expander": {
      const { expandJob } = await import("@pairloom/service-expander");
      const { scrubSecrets } = await import("@pairloom/sources");
      const readVariable = (name: string) => process.env[name];
      let { sources } = settings;
      const cleanLog = (line: string) => {
        log(scrubSecrets(sources, readVariable, line));
      };
      const web = await openStageWeb(project, cleanLog);
      const get = async (url: string, signal: AbortSignal) => {
        const answer = await web.getText(url, { signal });
        return answer.status === "ok" ? { ...answer, body: answer.body.whole() } : answer;
      };
      const worker = runWorker(
        road,
        "expander",
        async (job) => {
          const current = await withSources();
          sources = current.sources;
          return expandJob({ road, store, settings: current, get, readVariable }, job);
        },
        { ...common, log: cleanLog, concurrency: 4 },
      );
      return closing(worker, () => web.close());
    }
    case "crawler": {
      const { crawlJob } = await import("@pairloom/service-crawler");
      const web = await openStageWeb(project, log);
      const worker = runWorker(
        road,
        "crawler",
        async (job) => crawlJob({ road, store, settings: await withSources(), web }, job),
        { ...common, concurrency: 4 },
      );
      return closing(worker, () => web.close());
    }
    case "fetcher": {
      const { fetchJob } = await import("@pairloom/service-fetcher");
      const { openDecoders } = await import("@pairloom/image/decoders");
      const web = await openStageWeb(project, log);
      const decoders = openDecoders({ settings: settings.image, log });
      const context = { road, store, settings, web, decoders };
      const worker = runWorker(road, "fetcher", (job) => fetchJob(context, job), {
        ...common,
        concurrency: 4,
      });
      return closing(worker, () => Promise.all([web.close(), decoders.close()]));
    }
    case "deduper": {
      const { dedupeJob, rebuildDeduper } = await import("@pairloom/service-deduper");
      const deduper = await rebuildDeduper(store, settings).catch(asFinal);
      return runWorker(road, "deduper", (job) => dedupeJob({ road, store, deduper }, job), {
        ...common,
        concurrency: 1,
      });
    }
    case "sharder": {
      const { shardJob } = await import("@pairloom/service-sharder");
      return runWorker(road, "sharder", (job) => shardJob({ road, store }, job), {
        ...common,
        concurrency: 2,
      });
    }
    case "trainer": {
      const { machineDevices, runTrainer } = await import("@pairloom/service-trainer");
      const { spawnTraining } = await import("./spawnTraining.js");
      const { readRunFolder, runNames } = await import("../project/runFolders.js");
      return runTrainer(
        {
          road,
          store,
          spawn: spawnTraining(project.dir),
          runNames: () => runNames(project.dir),
          isFinished: async (run) => (await readRunFolder(join(project.dir, "runs", run))).isFinished,
          readProgress: async (run) => {
            const { step, steps, last } = await readRunFolder(join(project.dir, "runs", run));
            return { step, steps, loss: last?.["loss"] ?? null };
          },
        },
        { ...common, devices: await machineDevices() },
      );
    }
  }
}

async function openStageWeb({ redis, settings }: Project, log: (line: string) => void) {
  const { openWeb } = await import("@pairloom/web");
  return openWeb({
    settings: settings.web,
    redis: redis.connect(),
    log,
  });
}

function closing(worker: RunningWorker, close: () => Promise<unknown>): RunningWorker {
  return {
    ...worker,
    stop: async () => {
      await worker.stop();
      await close();
    },
  };
}

/** A damaged file would stop whoever starts the service anew, too. */
function asFinal(error: unknown): never {
  if (!(error instanceof UserError) || error.code !== "segment_corrupt") throw error;
  const { code, message, hint } = error;
  throw new UserError(code, message, { cause: error, exitCode: 3, ...(hint === null ? {} : { hint }) });
}
