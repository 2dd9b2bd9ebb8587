import { UserError } from "@pairloom/config";
import { putBackTrainings } from "@pairloom/service-trainer";
import { join } from "node:path";
import { readRunFolder, runNames } from "../project/runFolders.js";
import { mendFrontier, putBackCrawls } from "./mendFrontier.js";
import { type Mended, type Mending, noJobs } from "./mending.js";
import { mendQueryLists, putBackExpansions } from "./mendQueries.js";
import { mendReleases } from "./mendReleases.js";
import { mendCandidates, mendReports } from "./mendReports.js";
import { mendSegments } from "./mendSegments.js";

/**
 * Rebuilds everything that Redis holds of a project from its files alone: seen-sets, counters and the jobs whose result is
 * missing. Damaged files go out of the way, and their jobs run again. Killed at any moment it is done again from its beginning:
 * until its end every command says that Redis forgot.
 *
 * It reads every file of the crawl once, reports twice, and holds the numbers of chunks and ids of crawls, never their content.
 * Nothing may be taken from the queues meanwhile: workers that still run stop at the first look.
 */
export async function mendProject(
  project: Mending["project"],
  progress: (line: string) => void = () => undefined,
): Promise<Mended> {
  const mended: Mended = { jobs: noJobs(), setAside: [], lost: [] };
  const mending: Mending = { project, mended, again: false, progress };
  do {
    mending.again = false;
    mended.jobs = noJobs();
    await project.road.beginMending();
    await rebuild(mending);
  } while (mending.again);
  await project.road.endMending();
  mended.lost = [...new Set(mended.lost)];
  return mended;
}

async function rebuild(mending: Mending): Promise<void> {
  // What is claimed comes before what asks whether it is.
  mending.progress("reading lists and pages");
  const lists = await mendQueryLists(mending);
  const { crawls, sources } = await mendFrontier(mending);
  await mendCandidates(mending);
  const fetched = await mendSegments(mending);
  mending.progress("reading reports");
  const expanded = await mendReports(mending, { fetched, crawls, lists });
  await putBackExpansions(mending, { expanded, fetched, sources });
  await putBackCrawls(mending);
  await mendReleases(mending);
  await mendTrainings(mending);
}

async function mendTrainings({ mended, project: { dir, road, store } }: Mending): Promise<void> {
  const isFinished = async (run: string) => (await readRunFolder(join(dir, "runs", run))).isFinished;
  for (const run of await runNames(dir))
    try {
      mended.jobs.train += await putBackTrainings({ road, store, isFinished }, [run], new Set());
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      mended.lost.push(`${error.message}. ${error.hint ?? ""}`.trim());
    }
}
