import { type ReleaseProgress, releaseSteps } from "@pairloom/dedupe";
import { jobSchemas, type Road } from "@pairloom/queue";
import { releaseJobId } from "@pairloom/service-sharder";
import { findPlan, shardName } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";
import { z } from "zod";
import type { Project } from "./openProject.js";

const progressSchema = z.object({
  step: z.enum(releaseSteps),
  done: z.number(),
  of: z.number().nullable(),
}) satisfies z.ZodType<ReleaseProgress>;

/** Where a release stands that is not whole yet, in a line for people. */
export async function releaseStanding(
  { road, store }: Pick<Project, "road" | "store">,
  name: string,
): Promise<string> {
  const failure = await releaseFailure(road, name);
  if (failure !== null) return `failed: ${failure}`;
  const plan = await findPlan(store, name);
  if (plan !== null) {
    const written = await shardsWritten(store, name, plan.shards);
    return `${count(written)} of ${count(plan.shards)} shards written`;
  }
  const place = await road.jobPlace("sharder", releaseJobId(name, "plan"));
  const progress = progressSchema.safeParse(place?.progress);
  if (progress.success) return progressText(progress.data);
  return place?.state === "active" ? "begins" : "waits for a sharder";
}

/** Why a step of a release failed for good; null where none did. */
export async function releaseFailure(road: Road, name: string): Promise<string | null> {
  const failed = await road.failedJobs(["sharder"]);
  return failed.find(({ data }) => jobSchemas.sharder.safeParse(data).data?.release === name)?.reason ?? null;
}

const count = (n: number): string => n.toLocaleString("en-US");

function progressText({ step, done, of }: ReleaseProgress): string {
  const part = of === null ? count(done) : `${count(done)} of ${count(of)}`;
  switch (step) {
    case "rows":
      return `${part} rows read`;
    case "near_pairs":
      return `near pairs of ${part} pictures found`;
    case "pictures":
      return `${part} pictures compared`;
    case "captions":
      return `captions of ${part} pictures chosen`;
    case "plan":
      return `${part} samples planned`;
  }
}

/** How many of a release's shards are there, by bisection: they are written nearly in their order. */
async function shardsWritten(store: Store, release: string, shards: number): Promise<number> {
  let [there, missing] = [0, shards + 1];
  while (missing - there > 1) {
    const shard = (there + missing) >> 1;
    const isThere = (await store.stat(`releases/${release}/${shardName(shard - 1)}.parquet`)) !== null;
    if (isThere) there = shard;
    else missing = shard;
  }
  return there;
}
