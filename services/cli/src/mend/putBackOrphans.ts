import { type Candidate, candidateId, type SegmentRow } from "@pairloom/config";
import { claimedUrls } from "@pairloom/service-fetcher";
import { listSegments, readSegmentRows } from "@pairloom/shards";
import { fetchJobOf, publishCandidates, urlKey } from "@pairloom/sources";
import type { Project } from "../project/openProject.js";

/**
 * Finds rows that were left out since another row had asked for their URL, where that other one is lost and its page doesn't
 * name the picture any more. Puts jobs in the queue that fetch them. Called once every queue is empty: before, a job that
 * waits may be the one that fetches the URL.
 * @returns how many jobs
 */
export async function putBackOrphans({ road, store }: Pick<Project, "road" | "store">): Promise<number> {
  // A set of its own, since asking a set is claiming: the fetch job claims for itself.
  const owned = "owned";
  await road.forgetSet(owned);
  for await (const segment of listSegments(store)) {
    await road.seenOnce(segment, owned, claimedUrls(await readSegmentRows(store, segment)));
    await road.forgetAnswer(segment, owned);
  }
  let jobs = 0;
  for await (const segment of listSegments(store)) {
    const candidates = (await readSegmentRows(store, segment)).flatMap(candidateOfDuplicate);
    const keys = candidates.map(({ key }) => key);
    const isNew = await road.seenOnce(segment, owned, keys);
    await road.forgetAnswer(segment, owned);
    const orphans = candidates.filter((_, at) => isNew[at] === 1);
    if (orphans.length === 0) continue;
    const job = `m-${segment}`;
    const file = await publishCandidates(
      store,
      job,
      orphans.map(({ candidate }) => candidate),
    );
    if (file.id === null) continue;
    await road.add("fetcher", [fetchJobOf(job, file.id, { from: 0, to: file.count })]);
    jobs++;
  }
  await road.forgetSet(owned);
  return jobs;
}

/** A row holds all that its candidate held but the opt-outs of its page: a row that was a duplicate had none. */
function candidateOfDuplicate(row: SegmentRow): { candidate: Candidate; key: Buffer }[] {
  if (row.reason !== "duplicate_url") return [];
  const { imageUrl, texts, pageUrl, query, source, licence, language, canonicalUrl } = row;
  const candidate = { imageUrl, texts, pageUrl, query, source, licence, language, optOuts: [] };
  if (candidateId(candidate) !== row.candidateId) return [];
  return [{ candidate, key: urlKey(canonicalUrl) }];
}
