import type { ProjectSettings } from "@pairloom/config";
import { parseQueryList } from "@pairloom/querylist";
import type { MonitorActions } from "@pairloom/service-monitor";
import { newSource, withSource } from "./newSource.js";
import type { Project } from "./openProject.js";
import { readProjectFile, writeProjectFile } from "./projectFile.js";
import { askRelease, releaseMark } from "./releaseProject.js";
import { releaseStanding } from "./releaseStanding.js";
import {
  checkpointPath,
  readCheckpoints,
  readLog,
  readMetrics,
  readSamples,
  samplePath,
} from "./runFolders.js";
import { listRuns, runFolder, showRun } from "./runSummaries.js";
import { lookAtSite, seedQueries, seedSite } from "./seedProject.js";
import { readStatus } from "./status.js";
import { cloneTraining, launchTraining, wishTraining } from "./trainProject.js";

/** What the API and the dashboard may do with a project: the command line's own functions. */
export function monitorActions(project: Project): MonitorActions {
  const { dir, store, road } = project;
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
      const list = await parseQueryList(queries, "the text given");
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
          if (!ready)
            return { name, ready, standing: await releaseStanding(project, name), kept: null, shards: null };
          const sizes = JSON.parse((await store.get(releaseMark(name))).toString("utf8")) as Record<
            string,
            number
          >;
          const counts = Object.values(sizes);
          return {
            name,
            ready,
            standing: null,
            kept: counts.reduce((sum, n) => sum + n, 0),
            shards: counts.length,
          };
        }),
      );
    },
    askRelease: async ({ name }) => {
      const { release, lists } = await readProjectFile(dir);
      const request = await askRelease(project, {
        settings: release,
        side: "train",
        lists,
        ...(name === undefined ? {} : { name }),
      });
      return { name: request.name };
    },
    listRuns: () => listRuns(project),
    showRun: (run) => showRun(project, run),
    readMetrics: async (run, offset) => readMetrics(await runFolder(project, run), offset),
    readLog: async (run, offset) => readLog(await runFolder(project, run), offset),
    listSamples: async (run) => readSamples(await runFolder(project, run)),
    samplePath: async (run, file) => samplePath(await runFolder(project, run), file),
    launchTraining: (wish) => launchTraining(project, wish),
    cloneTraining: (run, changes) => cloneTraining(project, run, changes),
    wishTraining: (run, wish) => wishTraining(project, run, wish),
    listCheckpoints: async (run) => readCheckpoints(await runFolder(project, run)),
    checkpointPath: async (run, file) => checkpointPath(await runFolder(project, run), file),
  };
}
