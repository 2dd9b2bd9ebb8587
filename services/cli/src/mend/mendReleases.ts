import {
  barListFile,
  readBarLists,
  readRequest,
  releaseJobId,
  type ReleasePart,
  type ReleaseRequest,
} from "@pairloom/service-sharder";
import { findPlan, readPlanRejected, readPlanShard, segmentFile, shardName } from "@pairloom/shards";
import { BlobNotFoundError } from "@pairloom/storage";
import { releaseMark } from "../project/releaseProject.js";
import { damageOf, idIn, type Mending, namesOf, putAside } from "./mending.js";

/** Puts back the next steps of every release that was asked for and isn't whole. Whole ones are left as they are. */
export async function mendReleases(mending: Mending): Promise<void> {
  const {
    mended,
    project: { road, store },
  } = mending;
  for await (const name of namesOf(store, "requests/")) {
    const release = idIn("requests/", name);
    if (release === null) continue;
    const request = await soundRequest(mending, name, release);
    if (request === null || (await store.stat(releaseMark(release))) !== null) continue;
    const parts = await missingParts(mending, request);
    await road.add(
      "sharder",
      parts.map((part) => ({ id: releaseJobId(release, part), data: { release, part } })),
    );
    mended.jobs.release += parts.length;
  }
}

async function soundRequest(mending: Mending, file: string, release: string): Promise<ReleaseRequest | null> {
  const { mended, project } = mending;
  try {
    const request = await readRequest(project.store, release);
    return (await hasLists(mending, request)) ? request : null;
  } catch (error) {
    const why = damageOf(error);
    if (why === null) throw error;
    await putAside(mending, file, why);
    mended.lost.push(`${file} was damaged: ask for the release "${release}" again if it isn't there yet`);
    return null;
  }
}

/** A blocklist is named by its content: asking for the release again with the same file puts a damaged one back. */
async function hasLists(mending: Mending, { name, lists }: ReleaseRequest): Promise<boolean> {
  let all = true;
  for (const list of lists) {
    const file = barListFile(list.sha256);
    try {
      await readBarLists(mending.project.store, [list], list.use);
      continue;
    } catch (error) {
      const why = damageOf(error);
      if (why === null && !(error instanceof BlobNotFoundError)) throw error;
      if (why !== null) await putAside(mending, file, why);
    }
    all = false;
    mending.mended.lost.push(
      `${file} ("${list.name}", of the release ${name}) is gone: ask for the release again with that list`,
    );
  }
  return all;
}

async function missingParts(mending: Mending, request: ReleaseRequest): Promise<ReleasePart[]> {
  const { store } = mending.project;
  const { name, segments } = request;
  let why: string | null = null;
  for (const segment of segments)
    if ((await store.stat(segmentFile(segment))) === null) why ??= `${segmentFile(segment)} is made again`;
  why ??= await damageOfPlan(mending, name);
  if (why !== null) {
    // What is fetched again may differ: the plan is decided anew, and so are its shards.
    for (const folder of [`plans/${name}/`, `releases/${name}/`])
      for await (const file of namesOf(store, folder)) await putAside(mending, file, why);
    return ["plan"];
  }
  const plan = await findPlan(store, name);
  if (plan === null) return ["plan"];
  const missing: number[] = [];
  for (let shard = 0; shard < plan.shards; shard++)
    if ((await store.stat(`releases/${name}/${shardName(shard)}.parquet`)) === null) missing.push(shard);
  return missing.length === 0 ? ["finish"] : missing;
}

async function damageOfPlan({ project: { store } }: Mending, name: string): Promise<string | null> {
  try {
    const plan = await findPlan(store, name);
    for (let shard = 0; shard < (plan?.shards ?? 0); shard++) await readPlanShard(store, name, shard);
    for (let file = 0; file < (plan?.rejectedFiles ?? 0); file++) await readPlanRejected(store, name, file);
    return null;
  } catch (error) {
    if (error instanceof BlobNotFoundError) return error.message;
    const why = damageOf(error);
    if (why === null) throw error;
    return why;
  }
}
