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
import { readCandidates, readSegmentRows, segmentFile, writeSegment } from "@pairloom/shards";
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

/** Runs one fetch job: candidates `from` to `to` of a file become one segment. Safe to run again. */
export async function fetchJob(
  context: FetchContext,
  job: { id: string; data: { candidates: string; from: number; to: number }; signal: AbortSignal },
): Promise<void> {
  const { road, store } = context;
  if ((await store.stat(segmentFile(job.id))) === null) {
    const candidates = await readCandidates(store, job.data.candidates, job.data.from, job.data.to);
    const claimed = await claimUrls(context, job.id, candidates);
    const fetched = await pMap(
      onceEach(candidates, claimed),
      ({ id, candidate, claim }) => fetchCandidate(id, candidate, claim, context, job.signal),
      // All at once: the web keeps its own count of open requests, and who waits for a host's clock holds none.
      { signal: job.signal },
    );
    const pictures = new Map<string, Buffer>();
    for (const { row, picture } of fetched) if (picture !== null) pictures.set(row.member!, picture);
    await writeSegment(
      store,
      job.id,
      fetched.map(({ row }) => row),
      pictures,
    );
  }

  // From here on everything follows from what was published, whoever published it.
  const rows = await readSegmentRows(store, job.id);
  await road.add("deduper", [{ id: `d-${job.id}`, data: { segment: job.id } }]);
  // Equal candidates of a chunk share a row; each is counted.
  const equal = Math.max(0, job.data.to - job.data.from - rows.length);
  const counts: Record<string, number> = { "fetcher.candidates": rows.length + equal };
  if (equal > 0) counts["fetcher.refused.duplicate_url"] = equal;
  for (const row of rows) {
    const fate = row.reason === null ? "fetcher.fetched" : `fetcher.refused.${row.reason}`;
    counts[fate] = (counts[fate] ?? 0) + 1;
    counts["fetcher.bytes"] = (counts["fetcher.bytes"] ?? 0) + (row.originalBytes ?? 0);
  }
  await road.countOnce(job.id, counts);
  await road.forgetAnswer(job.id, "urls");
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
