import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FailedJob, JobPlace } from "@pairloom/queue";
import { shardName } from "@pairloom/shards";
import { openStore, type Store } from "@pairloom/storage";
import { afterEach, beforeEach, expect, it } from "vitest";
import { releaseStanding } from "../src/project/releaseStanding.js";
import type { Project } from "../src/project/openProject.js";

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "standing-"));
  store = await openStore(folder);
});
afterEach(() => rm(folder, { recursive: true }));

/** A road on which the plan of r1 stands there, and these jobs have failed. */
function road(place: Partial<JobPlace> | null, failed: Partial<FailedJob>[] = []): Project["road"] {
  return {
    jobPlace: async (_queue: string, id: string) => (id === "s-r1-plan" ? place : null),
    failedJobs: async () => failed,
  } as unknown as Project["road"];
}

const standing = (place: Partial<JobPlace> | null, failed?: Partial<FailedJob>[]) =>
  releaseStanding({ road: road(place, failed), store }, "r1");

it("tells of a plan's job whatever it last said, in words", async () => {
  const active = (progress: unknown) => standing({ state: "active", progress });
  expect(await standing({ state: "waiting", progress: 0 })).toBe("waits for a sharder");
  expect(await active(0)).toBe("begins");
  expect(await active({ step: "something else" })).toBe("begins");
  expect(await active({ step: "rows", done: 12_345, of: null })).toBe("12,345 rows read");
  expect(await active({ step: "near_pairs", done: 5, of: 10 })).toBe("near pairs of 5 of 10 pictures found");
});

it("counts the shards that are written once there is a plan", async () => {
  const none = Buffer.alloc(0);
  const counts = { samplesPerShard: 1, shards: 5, samples: 5, rejected: 0, rejectedFiles: 0, candidates: 5 };
  const plan = { version: 1, id: "x", ...counts, settings: {}, lists: [] };
  await store.publish("plans/r1/plan.json", Buffer.from(JSON.stringify(plan)));
  const seen: string[] = [];
  for (let shard = 0; shard <= 5; shard++) {
    seen.push(await standing(null));
    await store.publish(`releases/r1/${shardName(shard)}.parquet`, none);
  }
  expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((written) => `${written} of 5 shards written`));
});

it("tells why a step failed, and of no other release's", async () => {
  const jobs = [
    { data: { release: "r10", part: "plan" }, reason: "another's" },
    { data: { release: "r1", part: 12 }, reason: "no space" },
  ];
  expect(await standing(null, jobs)).toBe("failed: no space");
  expect(await standing(null, jobs.slice(0, 1))).toBe("waits for a sharder");
});
