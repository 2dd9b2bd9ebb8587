import { createHash } from "node:crypto";
import {
  candidateId,
  reasonNames,
  type Candidate,
  type ProjectSettings,
  type Reason,
  type SegmentRow,
} from "@pairloom/config";
import type { Decoders } from "@pairloom/image/decoders";
import type { Road } from "@pairloom/queue";
import {
  candidatesFile,
  readCandidates,
  readSegment,
  readSegmentRows,
  segmentFile,
  writeSegment,
} from "@pairloom/shards";
import { urlKey } from "@pairloom/sources";
import type { Store } from "@pairloom/storage";
import { canonicalUrl, type Web } from "@pairloom/web";
import pMap from "p-map";

export interface FetchContext {
  road: Road;
  store: Store;
  settings: ProjectSettings;
  web: Web;
  /** They have the project's image settings. */
  decoders: Decoders;
}

interface FetchedCandidate {
  row: SegmentRow;
  picture: Buffer | null;
}

type Chunk = { candidates: string; from: number; to: number };

/** Runs one fetch job: candidates `from` to `to` of a file become one segment. Safe to run again. */
export async function fetchJob(
  context: FetchContext,
  job: { id: string; data: Chunk; signal: AbortSignal },
): Promise<void> {
  const { store } = context;
  if ((await store.stat(segmentFile(job.id))) === null) {
    const { candidates, from, to } = job.data;
    await fetchSegment(context, job.id, await readCandidates(store, candidates, from, to), job.signal);
    return finishSegment(context, job.id);
  }
  await finishSegment(context, job.id);
  const others = await candidatesWithoutRow(store, job);
  if (others.length === 0) return;
  const ids = createHash("sha256").update(others.map(candidateId).join("\n")).digest("hex");
  const segment = `${job.id}-r${ids.slice(0, 16)}`;
  if ((await store.stat(segmentFile(segment))) === null)
    await fetchSegment(context, segment, others, job.signal);
  await finishSegment(context, segment);
}

/**
 * A job's segment may be older than its candidates: where a report was lost, its pages were read again and say something
 * else now. Then the rows stay, and the candidates that have none get a segment of their own.
 */
async function candidatesWithoutRow(
  store: Store,
  { id, data: { candidates, from, to } }: { id: string; data: Chunk },
): Promise<Candidate[]> {
  if ((await store.stat(candidatesFile(candidates))) === null) return [];
  const known = new Set((await readSegmentRows(store, id)).map((row) => row.candidateId));
  const all = await readCandidates(store, candidates, from, to);
  return all.filter((candidate) => !known.has(candidateId(candidate)));
}

async function fetchSegment(
  context: FetchContext,
  segment: string,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<void> {
  const claimed = await claimUrls(context, segment, candidates);
  const fetched = await pMap(
    onceEach(candidates, claimed),
    ({ id, candidate, claim }) => fetchCandidate(id, candidate, claim, context, signal),
    // All at once: the web keeps its own count of open requests, and who waits for a host's clock holds none.
    { signal },
  );
  const pictures = new Map<string, Buffer>();
  for (const { row, picture } of fetched) if (picture !== null) pictures.set(row.member!, picture);
  await writeSegment(
    context.store,
    segment,
    fetched.map(({ row }) => row),
    pictures,
    candidates.length,
  );
}

/** What follows from a published segment, whoever published it. */
async function finishSegment({ road, store }: FetchContext, segment: string): Promise<void> {
  const { rows, candidates } = await readSegment(store, segment);
  await road.add("deduper", [dedupeJobOf(segment)]);
  await countSegment(road, segment, rows, candidates);
  await road.forgetAnswer(segment, "urls");
}

/** The dedupe job that follows a segment. */
export const dedupeJobOf = (segment: string) => ({ id: `d-${segment}`, data: { segment } });

/** Counts the rows of a segment once. Equal candidates share a row; each is counted. */
export async function countSegment(
  road: Road,
  segment: string,
  rows: readonly SegmentRow[],
  candidates: number,
): Promise<void> {
  const equal = Math.max(0, candidates - rows.length);
  const counts: Record<string, number> = { "fetcher.candidates": rows.length + equal };
  if (equal > 0) counts["fetcher.refused.duplicate_url"] = equal;
  for (const row of rows) {
    const fate = row.reason === null ? "fetcher.fetched" : `fetcher.refused.${row.reason}`;
    counts[fate] = (counts[fate] ?? 0) + 1;
    counts["fetcher.bytes"] = (counts["fetcher.bytes"] ?? 0) + (row.originalBytes ?? 0);
  }
  await road.countOnce(segment, counts);
}

type Claim = { canonical: string; verdict: "fetch" | Reason };

/**
 * Decides for each candidate whether this job fetches its URL. A candidate that its own page opts out is refused
 * and claims nothing, so that another page may still lead to the picture.
 */
async function claimUrls(
  { road, settings }: FetchContext,
  jobId: string,
  candidates: readonly Candidate[],
): Promise<Claim[]> {
  const claims = candidates.map((candidate): Claim => {
    const canonical = safeCanonical(candidate.imageUrl);
    if (canonical === null) return { canonical: candidate.imageUrl, verdict: "url_invalid" };
    const [optOut] = candidate.optOuts;
    if (optOut !== undefined) return { canonical, verdict: reasonOfPageOptOut(optOut) };
    return { canonical, verdict: "fetch" };
  });
  const open = claims.filter((claim) => claim.verdict === "fetch");
  const isNew = await road.seenOnce(
    jobId,
    "urls",
    open.map((claim) => urlKey(claim.canonical)),
  );
  // With the layer off URLs are marked all the same, for when it is on again.
  open.forEach((claim, at) => {
    if (settings.release.dedupe.url && isNew[at] !== 1) claim.verdict = "duplicate_url";
  });
  return claims;
}

/** Each candidate with what was decided of its URL, the first of equal ones: a candidate has one row. */
function onceEach(
  candidates: readonly Candidate[],
  claims: readonly Claim[],
): { id: string; candidate: Candidate; claim: Claim }[] {
  const seen = new Set<string>();
  return candidates
    .map((candidate, at) => ({ id: candidateId(candidate), candidate, claim: claims[at]! }))
    .filter(({ id }) => !seen.has(id) && seen.add(id));
}

function safeCanonical(url: string): string | null {
  try {
    return canonicalUrl(url);
  } catch {
    return null;
  }
}

function reasonOfPageOptOut(name: string): Reason {
  return reasonNames.find((reason) => reason === name) ?? "optout_page_meta";
}

async function fetchCandidate(
  id: string,
  candidate: Candidate,
  claim: Claim,
  { settings, web, decoders }: FetchContext,
  signal: AbortSignal,
): Promise<FetchedCandidate> {
  const row: SegmentRow = {
    candidateId: id,
    imageUrl: candidate.imageUrl,
    canonicalUrl: claim.canonical,
    texts: candidate.texts,
    pageUrl: candidate.pageUrl,
    query: candidate.query,
    source: candidate.source,
    licence: candidate.licence,
    language: candidate.language,
    member: null,
    reason: null,
    errorMessage: null,
    httpStatus: null,
    finalUrl: null,
    width: null,
    height: null,
    originalWidth: null,
    originalHeight: null,
    originalBytes: null,
    originalFormat: null,
    exif: null,
    sha256: null,
    pdq: null,
    pdqQuality: null,
  };
  if (claim.verdict !== "fetch") return { row: { ...row, reason: claim.verdict }, picture: null };

  const answer = await web.getImage(candidate.imageUrl, { signal });
  row.httpStatus = answer.httpStatus;
  row.finalUrl = answer.finalUrl;
  if (answer.status !== "ok")
    return { row: { ...row, reason: answer.reason, errorMessage: answer.errorMessage }, picture: null };
  row.originalBytes = answer.body.length;
  const picture = await decoders.process(answer.body.pieces);
  if (picture.status !== "ok")
    return { row: { ...row, reason: picture.reason, errorMessage: picture.errorMessage }, picture: null };
  const { bytes, status: _status, ...facts } = picture;
  const member = `${row.candidateId}.${settings.image.encodeFormat}`;
  return { row: { ...row, ...facts, member }, picture: bytes };
}
