import { crawlReport, expandReport, type ProjectSettings } from "@pairloom/config";
import type { Road } from "@pairloom/queue";
import { segmentFile, verdictsFile } from "@pairloom/shards";
import { addFetchJobs, crawlJobId, fetchJobIds } from "@pairloom/sources";
import { readLines, type Store } from "@pairloom/storage";

export interface Mended {
  crawl: number;
  fetch: number;
  dedupe: number;
}

/**
 * Puts jobs back whose result is missing from the store though what they follow from is there: after a damaged segment
 * was deleted, or where Redis lost its data. Reads every report once.
 */
export async function mendRoad(road: Road, store: Store, settings: ProjectSettings): Promise<Mended> {
  const mended: Mended = { crawl: 0, fetch: 0, dedupe: 0 };
  for await (const { name } of store.list("frontier/")) {
    const id = crawlJobId(name);
    if ((await store.stat(`crawls/${id}.jsonl.gz`)) !== null) continue;
    await road.add("crawler", [{ id, data: { frontier: name } }]);
    mended.crawl++;
  }
  for (const [prefix, report] of [
    ["crawls/", crawlReport],
    ["expansions/", expandReport],
  ] as const)
    for await (const { name } of store.list(prefix)) {
      const job = name.slice(prefix.length, -".jsonl.gz".length);
      const [found] = await readLines(store, name, (value) => report.parse(value));
      if (found === undefined) continue;
      let missing = false;
      for (const id of fetchJobIds(job, found.candidates.count, settings.fetchChunk)) {
        if ((await store.stat(segmentFile(id))) === null) {
          missing = true;
          mended.fetch++;
        } else if ((await store.stat(verdictsFile(id))) === null) {
          await road.add("deduper", [{ id: `d-${id}`, data: { segment: id } }]);
          mended.dedupe++;
        }
      }
      // Chunks whose segment is there end at once.
      if (missing) await addFetchJobs(road, job, found.candidates, settings.fetchChunk);
    }
  return mended;
}
