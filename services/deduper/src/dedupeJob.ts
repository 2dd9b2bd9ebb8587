import type { ProjectSettings, Verdict } from "@pairloom/config";
import { OnlineDeduper } from "@pairloom/dedupe";
import type { Road } from "@pairloom/queue";
import { listSegments, readSegmentRows, readVerdicts, verdictsFile, writeVerdicts } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";

export interface DedupeContext {
  road: Road;
  store: Store;
  /** Built once a process by `rebuildDeduper`. */
  deduper: OnlineDeduper;
}

/** An online deduper that knows every row that was kept by the verdicts so far. */
export async function rebuildDeduper(store: Store, settings: ProjectSettings): Promise<OnlineDeduper> {
  const deduper = new OnlineDeduper(settings.release.dedupe);
  for await (const segment of listSegments(store)) {
    if ((await store.stat(verdictsFile(segment))) === null) continue;
    const verdicts = await readVerdicts(store, segment);
    const kept = new Set(verdicts.filter(({ kept }) => kept).map(({ candidateId }) => candidateId));
    // Judging the others too would keep another of two near pictures than the verdicts did.
    deduper.judge((await readSegmentRows(store, segment)).filter((row) => kept.has(row.candidateId)));
  }
  return deduper;
}

/** Gives each fetched row of a segment a provisional verdict. Safe to run again: the first verdicts stand. */
export async function dedupeJob(
  { road, store, deduper }: DedupeContext,
  job: { data: { segment: string } },
): Promise<void> {
  const { segment } = job.data;
  if ((await store.stat(verdictsFile(segment))) === null)
    await writeVerdicts(store, segment, deduper.judge(await readSegmentRows(store, segment)));
  await countVerdicts(road, segment, await readVerdicts(store, segment));
}

/** Counts the verdicts on a segment once. */
export async function countVerdicts(
  road: Road,
  segment: string,
  verdicts: readonly Verdict[],
): Promise<void> {
  const counts: Record<string, number> = { "deduper.judged": 0, "deduper.kept": 0 };
  for (const verdict of verdicts) {
    const fate = verdict.kept ? "deduper.kept" : `deduper.duplicate.${verdict.reason ?? "unknown"}`;
    counts[fate] = (counts[fate] ?? 0) + 1;
    counts["deduper.judged"]!++;
  }
  await road.countOnce(`d-${segment}`, counts);
}
