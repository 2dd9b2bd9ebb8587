import { join } from "node:path";
import { UserError, type ProjectSettings } from "@pairloom/config";
import { parseQueryList } from "@pairloom/querylist";
import type { MonitorActions, RunSummary } from "@pairloom/service-monitor";
import { newSource, withSource } from "./newSource.js";
import type { Project } from "./openProject.js";
import { readProjectFile, writeProjectFile } from "./projectFile.js";
import { askRelease, releaseMark } from "./releaseProject.js";
import { checkpointPath, readCheckpoints, readMetrics, runNames, summariseRun } from "./runFolders.js";
import { lookAtSite, seedQueries, seedSite } from "./seedProject.js";
import { readStatus } from "./status.js";
import { launchTraining } from "./trainProject.js";

const safeName = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** What the API and the dashboard may do with a project: the command line's own functions. */
export function monitorActions(project: Project): MonitorActions {
  const { dir, store, road } = project;
  const runFolder = (run: string): string => {
    if (!safeName.test(run)) throw new UserError("run_missing", `There is no run ${JSON.stringify(run)}`);
    return join(dir, "runs", run);
  };
  /** Adds a source to the project's file, which may have changed since the start. */
  const addSource = async (wish: Parameters<typeof newSource>[0]): Promise<ProjectSettings> => {
    const source = newSource(wish);
    const settings = withSource(await readProjectFile(dir), source);
    await writeProjectFile(dir, settings);
    return settings;
  };

  return {
    status: () => readStatus(project),
    seedQueries: async ({ queries, search }) => {
      const list = parseQueryList(queries, "the text given");
      const settings = await addSource(search === undefined ? {} : { search });
      const { jobs } = await seedQueries({ road, store, settings }, list.queries);
      return { queries: list.queries.length, duplicates: list.duplicates, jobs };
    },
    seedSite: async ({ site, maxPages }) => {
      const sitemaps = await lookAtSite(site, project.settings);
      const settings = await addSource({ site, ...(maxPages === undefined ? {} : { maxPages }) });
      await seedSite({ road, store, settings }, settings.sources.at(-1)?.name ?? "", sitemaps);
      return { site };
    },
    listReleases: async () => {
      const names: string[] = [];
      for await (const { name } of store.list("requests/"))
        names.push(name.slice("requests/".length, -".jsonl.gz".length));
      return Promise.all(
        names.map(async (name) => {
          const ready = (await store.stat(releaseMark(name))) !== null;
          if (!ready) return { name, ready, kept: null, shards: null };
          const sizes = JSON.parse((await store.get(releaseMark(name))).toString("utf8")) as Record<
            string,
            number
          >;
          const counts = Object.values(sizes);
          return { name, ready, kept: counts.reduce((sum, n) => sum + n, 0), shards: counts.length };
        }),
      );
    },
    askRelease: async ({ name }) => {
      const settings = (await readProjectFile(dir)).release;
      const request = await askRelease(project, {
        settings,
        side: "train",
        ...(name === undefined ? {} : { name }),
      });
      return { name: request.name };
    },
    listRuns: async () => {
      const queued = await queuedRuns(project);
      const names = new Set([...(await runNames(dir)), ...queued.keys()]);
      const runs: RunSummary[] = [];
      for (const name of names)
        runs.push(await summariseRun(join(dir, "runs", name), queued.get(name) ?? null));
      return runs;
    },
    readMetrics: (run, offset) => readMetrics(runFolder(run), offset),
    launchTraining: (wish) => launchTraining(project, wish),
    listCheckpoints: (run) => readCheckpoints(runFolder(run)),
    checkpointPath: (run, file) => checkpointPath(runFolder(run), file),
  };
}

/** Runs that the trainer's queue knows, and whether they wait, run or failed. */
async function queuedRuns({ road }: Project): Promise<Map<string, "waiting" | "active" | "failed">> {
  const queue = road.queues.trainer;
  const found = new Map<string, "waiting" | "active" | "failed">();
  for (const state of ["failed", "waiting", "active"] as const) {
    const jobs = await queue.getJobs([state === "waiting" ? "wait" : state], 0, 199);
    for (const job of jobs as ({ data?: { run?: string } } | undefined)[])
      if (job?.data?.run !== undefined) found.set(job.data.run, state);
  }
  return found;
}
