import type { ProjectSettings } from "@pairloom/config";
import { parseQueryList } from "@pairloom/querylist";
import type { MonitorActions } from "@pairloom/service-monitor";
import { storeBelow } from "@pairloom/storage";
import { isHeldOut } from "@pairloom/training/heldOut";
import { checkPathsInside } from "./checkLaunch.js";
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
import { checkQuerySources, lookAtSite, seedQueries, seedSite } from "./seedProject.js";
import { readStatus } from "./status.js";
import { cloneTraining, launchTraining, wishTraining } from "./trainProject.js";

/** What the API and the dashboard may do with a project: the command line's own functions. */
export function monitorActions(project: Project): MonitorActions {
  const { dir, store, road } = project;
  /** The project's file, which may have changed since the start, with a source added: not yet written. */
  const withNewSource = async (source: ReturnType<typeof newSource>): Promise<ProjectSettings> =>
    withSource(await readProjectFile(dir), source);
  /** Data cards of releases never change their side. */
  const heldOut = new Map<string, Promise<boolean>>();
  const isHeldOutRelease = (name: string): Promise<boolean> => {
    let known = heldOut.get(name);
    if (known === undefined) {
      known = isHeldOut(storeBelow(store, `releases/${name}`));
      known.catch(() => heldOut.delete(name));
      heldOut.set(name, known);
    }
    return known;
  };

  return {
    status: () => readStatus(project),
    seedQueries: async ({ queries, search }) => {
      const list = await parseQueryList(queries, "the text given");
      const settings = await withNewSource(newSource(search === undefined ? {} : { search }));
      checkQuerySources(settings);
      await writeProjectFile(dir, settings);
      const { jobs } = await seedQueries({ road, store, settings }, list.queries);
      return { queries: list.queries.length, duplicates: list.duplicates, jobs };
    },
    seedSite: async ({ site, maxPages }) => {
      const source = newSource({ site, ...(maxPages === undefined ? {} : { maxPages }) });
      const sitemaps = await lookAtSite(site, project.settings);
      const settings = await withNewSource(source);
      await writeProjectFile(dir, settings);
      await seedSite({ road, store, settings }, source?.name ?? "", sitemaps);
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
            return {
              name,
              ready,
              heldOut: false,
              standing: await releaseStanding(project, name),
              kept: null,
              shards: null,
            };
          const sizes = JSON.parse((await store.get(releaseMark(name))).toString("utf8")) as Record<
            string,
            number
          >;
          const counts = Object.values(sizes);
          return {
            name,
            ready,
            heldOut: await isHeldOutRelease(name),
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
    launchTraining: async (wish) => {
      await checkPathsInside(dir, wish.settings);
      return launchTraining(project, wish);
    },
    cloneTraining: async (run, changes) => {
      await checkPathsInside(dir, changes.settings);
      return cloneTraining(project, run, changes);
    },
    wishTraining: (run, wish) => wishTraining(project, run, wish),
    listCheckpoints: async (run) => readCheckpoints(await runFolder(project, run)),
    checkpointPath: async (run, file) => checkpointPath(await runFolder(project, run), file),
  };
}
