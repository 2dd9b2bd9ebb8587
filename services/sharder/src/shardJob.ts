import { createHash } from "node:crypto";
import { expandReport, type RejectedRow, UserError } from "@pairloom/config";
import {
  type Association,
  decideRelease,
  each,
  progressOf,
  type ReleaseProgress,
  type SegmentedRow,
  Spill,
} from "@pairloom/dedupe";
import { QueryMatcher } from "@pairloom/querylist";
import { JobNotReadyError, type Road, type RunningJob } from "@pairloom/queue";
import {
  finishRelease,
  readPlan,
  readPlanShard,
  readSegmentRows,
  segmentFile,
  shardName,
  writePlan,
  writeShard,
} from "@pairloom/shards";
import { readLines, storeBelow, type Store } from "@pairloom/storage";
import { readBarLists } from "./barLists.js";
import { readRequest, releaseJobId, type ReleaseRequest } from "./releaseRequest.js";

export interface ShardContext {
  road: Road;
  store: Store;
}

/**
 * Runs one step of a release: its plan, one of its shards, or its end. Each may run again at any time: what is
 * published stays. The plan hands on the shards; the shard that finds all others written hands on the end.
 */
export async function shardJob(
  { road, store }: ShardContext,
  { data: { release, part }, progress }: Pick<RunningJob<"sharder">, "data" | "progress">,
): Promise<void> {
  const finish = { id: releaseJobId(release, "finish"), data: { release, part: "finish" as const } };
  const to = storeBelow(store, `releases/${release}`);
  if (part === "plan") {
    const request = await readRequest(store, release);
    await checkInputs(road, store, request);
    const { shards } = await planRelease(store, request, nowAndThen(progress));
    const jobs = Array.from({ length: shards }, (_, shard) => ({
      id: releaseJobId(release, shard),
      data: { release, part: shard },
    }));
    await road.add("sharder", shards === 0 ? [finish] : jobs);
    return;
  }
  if (part === "finish") {
    await finishRelease(store, release, to);
    return;
  }
  const plan = await readPlan(store, release);
  await writeShard({
    from: store,
    to,
    release: plan.id,
    shard: part,
    samples: await readPlanShard(store, release, part),
  });
  for (let shard = 0; shard < plan.shards; shard++)
    if ((await to.stat(`${shardName(shard)}.parquet`)) === null) return;
  await road.add("sharder", [finish]);
}

/**
 * After a loss a release may be put back together with the jobs that make its segments again: then it waits for them.
 * @throws JobNotReadyError; UserError "release_input_missing" where nobody is at work that could make what is missing
 */
async function checkInputs(
  road: Road,
  store: Store,
  { name, segments, expansions }: ReleaseRequest,
): Promise<void> {
  const firstMissing = async () => {
    for (const file of [...expansions, ...segments.map(segmentFile)])
      if ((await store.stat(file)) === null) return file;
    return null;
  };
  if ((await firstMissing()) === null) return;
  const isIdle = await road.isIdle(["expander", "crawler", "fetcher"]);
  const missing = await firstMissing(); // it may have come meanwhile
  if (missing === null) return;
  if (!isIdle) throw new JobNotReadyError(`${missing} is not there yet`);
  throw new UserError(
    "release_input_missing",
    `${missing} is gone, which the release "${name}" is made from`,
    {
      hint: "Put it back from a copy, run `pairloom up --mend`, which makes it again if that can be done, or ask for a release of another name.",
    },
  );
}

const tellEveryMs = 500;

/** Tells at most so often; that a dashboard hears nothing ends no release. */
function nowAndThen(tell: RunningJob<"sharder">["progress"]): (progress: ReleaseProgress) => void {
  let last = -Infinity;
  return (progress) => {
    const now = performance.now();
    if (now - last < tellEveryMs) return;
    last = now;
    tell(progress).catch(() => undefined);
  };
}

async function planRelease(
  store: Store,
  request: ReleaseRequest,
  onProgress: (progress: ReleaseProgress) => void,
) {
  const { settings, side, lists, expansions } = request;
  const spill = new Spill({ folder: () => store.scratch() });
  try {
    const { samples, rejected, counts } = await decideRelease(
      rowsOf(store, request.segments),
      associationsOf(store, expansions),
      settings,
      {
        side,
        textQueries: (queries) => new QueryMatcher(queries),
        blocklist: await readBarLists(store, lists, "blocklist"),
        contamination: await readBarLists(store, lists, "decontaminate"),
        spill,
        onProgress,
      },
    );
    if (counts.kept === 0)
      throw new UserError("release_empty", "Nothing is left to release", {
        hint: `Of ${counts.candidates} candidates: ${JSON.stringify(counts.rejected)}`,
      });
    // Names what the release holds, whatever the segments it came from: two crawls that found the same give the same id,
    // so it may stand in the release's files.
    const content = createHash("sha256").update(JSON.stringify([settings, side, lists]));
    const hashed = (value: unknown) => void content.update(JSON.stringify(value));
    const planned = progressOf("plan", counts.kept, onProgress);
    return await writePlan(store, request.name, {
      id: () => content.digest("hex").slice(0, 16),
      samplesPerShard: settings.samplesPerShard,
      candidates: counts.candidates,
      settings: { side, ...settings },
      lists,
      samples: each(samples, ({ segment: _segment, member: _member, ...sample }) => {
        hashed(sample);
        planned();
      }),
      rejected: each(withoutMessages(rejected), hashed),
    });
  } finally {
    await spill.dispose();
  }
}

async function* rowsOf(store: Store, segments: readonly string[]): AsyncGenerator<SegmentedRow, void> {
  for (const segment of segments)
    for (const row of await readSegmentRows(store, segment)) yield { segment, row };
}

/** Which queries led where, as the expansions reported. */
async function* associationsOf(
  store: Store,
  expansions: readonly string[],
): AsyncGenerator<Association, void> {
  for (const name of expansions)
    for (const { queries } of await readLines(store, name, (value) => expandReport.parse(value)))
      yield* queries;
}

/** Lines for people differ from run to run ("reset" or "closed", milliseconds): they stay in the segments. */
async function* withoutMessages(rejected: AsyncIterable<RejectedRow>): AsyncGenerator<RejectedRow, void> {
  for await (const row of rejected) yield { ...row, errorMessage: null };
}
