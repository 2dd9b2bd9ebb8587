import { createHash } from "node:crypto";
import { barListRef, releaseSettings } from "@pairloom/config";
import { sortedOnce } from "@pairloom/dedupe";
import type { JobData, Road } from "@pairloom/queue";
import { listSegments } from "@pairloom/shards";
import { BlobDamagedError, publishLines, readLines, type Store } from "@pairloom/storage";
import { z } from "zod";

/** `requests/<release>.jsonl.gz`, one line: everything that a release depends on, fixed when it is asked for. */
export const releaseRequest = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, "expected letters, digits, dots, dashes and underscores"),
  settings: releaseSettings,
  /** "train": what the hold-out rules leave; "held_out": what they hold. */
  side: z.enum(["train", "held_out"]),
  segments: z.array(z.string()),
  /** Names of the expansions whose query → page associations count. */
  expansions: z.array(z.string()),
  /** What must not be in it; the lists themselves lie in the store, named by their content. */
  lists: z.array(barListRef).default([]),
});
export type ReleaseRequest = z.infer<typeof releaseRequest>;

export function requestName(release: string): string {
  return `requests/${release}.jsonl.gz`;
}

/** Fixes the input of a release: all segments and expansions that are published now. */
export async function makeRequest(
  store: Store,
  wish: Pick<ReleaseRequest, "name" | "settings" | "side" | "lists">,
): Promise<ReleaseRequest> {
  const segments: string[] = [];
  for await (const segment of listSegments(store)) segments.push(segment);
  const expansions: string[] = [];
  for await (const { name } of store.list("expansions/")) expansions.push(name);
  return releaseRequest.parse({ ...wish, segments, expansions });
}

/** Two requests with the same fingerprint give the same bytes. */
export function fingerprint({ settings, side, segments, expansions, lists }: ReleaseRequest): string {
  const barred = lists.map(({ use, sha256 }) => `${use} ${sha256}`);
  return createHash("sha256")
    .update(JSON.stringify([settings, side, segments, expansions, sortedOnce(barred)]))
    .digest("hex")
    .slice(0, 16);
}

/** A step of a release in the sharder's queue. */
export type ReleasePart = JobData<"sharder">["part"];

export const releaseJobId = (release: string, part: ReleasePart): string =>
  `s-${release}-${typeof part === "number" ? `shard${part}` : part}`;

/** Publishes the request and puts the plan job in the queue. @returns "exists" where the name is taken already */
export async function submitRequest(
  road: Road,
  store: Store,
  request: ReleaseRequest,
): Promise<"published" | "exists"> {
  const published = await publishLines(store, requestName(request.name), [request]);
  const part = "plan";
  await road.add("sharder", [
    { id: releaseJobId(request.name, part), data: { release: request.name, part } },
  ]);
  return published;
}

/** @throws BlobNotFoundError */
export async function readRequest(store: Store, release: string): Promise<ReleaseRequest> {
  const [request] = await readLines(store, requestName(release), (value) => releaseRequest.parse(value));
  if (request === undefined)
    throw new BlobDamagedError(requestName(release), store.url, ": it is empty", null);
  return request;
}
