import { countVerdicts } from "@pairloom/service-deduper";
import { claimedUrls, countSegment, dedupeJobOf } from "@pairloom/service-fetcher";
import {
  checkSegment,
  checkTar,
  CorruptSegmentError,
  listSegments,
  readVerdicts,
  type Segment,
  segmentFile,
  segmentOfTar,
  verdictsFile,
} from "@pairloom/shards";
import { BlobNotFoundError } from "@pairloom/storage";
import { Coverage } from "./coverage.js";
import { damageOf, type Mending, namesOf, putAside } from "./mending.js";

/**
 * Reads every segment, with every byte of its pictures: marks the URLs that it was the first to ask for, counts it and its
 * verdicts, and puts back the dedupe job where these are missing. What is damaged goes out of the way.
 * @returns which candidates have their rows
 */
export async function mendSegments(mending: Mending): Promise<Coverage> {
  const { road, store } = mending.project;
  const covered = new Coverage();
  let read = 0;
  for await (const id of listSegments(store)) {
    mending.progress(`${++read} segments read`);
    const segment = await soundSegment(mending, id);
    if (segment === null) continue;
    const key = `mend-${id}`;
    await road.seenOnce(key, "urls", claimedUrls(segment.rows));
    await road.forgetAnswer(key, "urls");
    await countSegment(road, id, segment.rows, segment.candidates);
    const [, job, from] = /^f-(.+)-(\d+)$/.exec(id) ?? [];
    if (job !== undefined) covered.add(job, Number(from), segment.candidates);
    await mendVerdicts(mending, id);
  }
  await setStrayFilesAside(mending);
  return covered;
}

/** Null where it was damaged, and is out of the way now. */
async function soundSegment(mending: Mending, id: string): Promise<Segment | null> {
  const { store } = mending.project;
  try {
    return await checkSegment(store, id);
  } catch (error) {
    if (!(error instanceof CorruptSegmentError)) throw error;
    // The commit point goes last: killed in between, the next look finds the segment damaged again.
    if (error.file !== segmentFile(id)) await putAside(mending, error.file, error.message);
    await putAside(mending, segmentFile(id), error.message);
    return null;
  }
}

async function mendVerdicts(mending: Mending, id: string): Promise<void> {
  const { road, store } = mending.project;
  try {
    await countVerdicts(road, id, await readVerdicts(store, id));
    return;
  } catch (error) {
    const why = damageOf(error);
    if (why !== null) await putAside(mending, verdictsFile(id), why);
    else if (!(error instanceof BlobNotFoundError)) throw error;
  }
  await road.add("deduper", [dedupeJobOf(id)]);
  mending.mended.jobs.dedupe++;
}

/**
 * Verdicts on a segment that is gone: its rows are judged again once they are fetched again. And tars that no segment
 * names: a damaged one would be taken for that of the next run.
 */
async function setStrayFilesAside(mending: Mending): Promise<void> {
  const { store } = mending.project;
  for await (const name of namesOf(store, "verdicts/")) {
    const id = /^verdicts\/([A-Za-z0-9_-]+)\.parquet$/.exec(name)?.[1];
    if (id !== undefined && (await store.stat(segmentFile(id))) === null)
      await putAside(mending, name, `${name} is about a segment that is gone`);
  }
  for await (const name of namesOf(store, "segments/")) {
    const id = segmentOfTar(name);
    if (id === null || (await store.stat(segmentFile(id))) !== null) continue;
    const wrong = await checkTar(store, name);
    if (wrong !== null) await putAside(mending, name, `${name} in ${store.url} is damaged: ${wrong}`);
  }
}
