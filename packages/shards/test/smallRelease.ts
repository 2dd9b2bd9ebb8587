import { createHash } from "node:crypto";
import type { RejectedRow, ReleaseSample, SegmentRow } from "@pairloom/config";
import { type Store, storeBelow } from "@pairloom/storage";
import { finishRelease, readPlanShard, writePlan, writeSegment, writeShard } from "../src/index.js";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Bytes that begin like a JPEG: enough for whoever doesn't decode. */
export function pictureOf(i: number): Buffer {
  const seed = createHash("sha512").update(`picture ${i}`).digest();
  const bytes = Buffer.alloc(500 + ((i * 977) % 3000), seed);
  bytes.set([0xff, 0xd8, 0xff]);
  return bytes;
}

export const captionOf = (i: number): string =>
  `a drawing of ${i} things – "${i % 3 ? "naïve" : "日本語"}"\nline 𝄞`;

function segmentRow(i: number): SegmentRow {
  const fetched = i % 4 !== 3;
  const bytes = pictureOf(i);
  const id = sha256(Buffer.from(`candidate ${i}`)).slice(0, 32);
  return {
    candidateId: id,
    imageUrl: `http://host${i % 5}.example/${i}.jpg`,
    canonicalUrl: `http://host${i % 5}.example/${i}.jpg`,
    texts: [{ kind: "alt", text: captionOf(i) }],
    pageUrl: `http://host${i % 5}.example/page${i >> 2}`,
    query: `query ${i % 7}`,
    source: i % 2 ? "list" : "search",
    licence: i % 3 ? null : "CC-BY-4.0",
    language: i % 2 ? "en" : null,
    member: fetched ? `${id}.jpg` : null,
    reason: fetched ? null : "http_404",
    errorMessage: fetched ? null : "404 Not Found",
    httpStatus: fetched ? 200 : 404,
    finalUrl: null,
    width: fetched ? 256 : null,
    height: fetched ? 100 + (i % 100) : null,
    originalWidth: fetched ? 1024 : null,
    originalHeight: fetched ? 800 : null,
    originalBytes: fetched ? bytes.length : null,
    originalFormat: fetched ? "jpeg" : null,
    exif: fetched && i % 5 === 0 ? '{"Image Make": "x"}' : null,
    sha256: fetched ? sha256(bytes) : null,
    pdq: fetched ? sha256(Buffer.from(`pdq ${i}`)) : null,
    pdqQuality: fetched ? 100 : null,
  };
}

export interface SmallRelease {
  samples: ReleaseSample[];
  rejected: RejectedRow[];
  /** The picture of each key. */
  pictures: Map<string, Buffer>;
  release: Store;
}

export const smallPlan = { id: () => "0123456789abcdef", samplesPerShard: 10, settings: { seed: 0 } };

/** The picture of a candidate as the segment holds it. */
export type StoredPicture = (i: number) => Buffer;

/** Segments of candidates 0 … `candidates`−1, 20 a segment, in a store that is empty. */
export async function writeSmallSegments(
  store: Store,
  candidates: number,
  stored: StoredPicture = pictureOf,
): Promise<void> {
  for (let start = 0; start < candidates; start += 20) {
    const rows = Array.from({ length: Math.min(20, candidates - start) }, (_, i) => segmentRow(start + i));
    const pictures = new Map<string, Buffer>();
    rows.forEach(({ member }, i) => {
      if (member !== null) pictures.set(member, stored(start + i));
    });
    await writeSegment(store, `seg${start}`, rows, pictures);
  }
}

/** What a decision on those candidates might be: by sha256, every seventh a double of the one before. */
export function decideSmall(
  candidates: number,
  stored: StoredPicture = pictureOf,
): Omit<SmallRelease, "release"> {
  const samples: ReleaseSample[] = [];
  const rejected: RejectedRow[] = [];
  const pictures = new Map<string, Buffer>();
  const rows = Array.from({ length: candidates }, (_, i) => ({ i, row: segmentRow(i) }));
  rows.sort((a, b) => ((a.row.sha256 ?? "") < (b.row.sha256 ?? "") ? -1 : 1));
  for (const { i, row } of rows) {
    const double = row.reason === null && samples.length > 0 && i % 7 === 6;
    const { candidateId, imageUrl, pageUrl, query, source, errorMessage, httpStatus, licence, language } =
      row;
    if (row.reason !== null || double) {
      rejected.push({
        candidateId,
        imageUrl,
        caption: captionOf(i),
        pageUrl,
        query,
        source,
        reason: row.reason ?? "duplicate_near",
        duplicateOf: double ? (samples.at(-1)?.key ?? null) : null,
        errorMessage,
        httpStatus,
        sha256: row.sha256,
      });
      continue;
    }
    const shard = Math.floor(samples.length / smallPlan.samplesPerShard);
    const at = samples.length % smallPlan.samplesPerShard;
    const key = String(shard).padStart(5, "0") + String(at).padStart(4, "0");
    pictures.set(key, stored(i));
    samples.push({
      key,
      segment: `seg${i - (i % 20)}`,
      member: row.member as string,
      caption: captionOf(i),
      imageUrl,
      texts: row.texts,
      urls: [imageUrl],
      pages: [pageUrl as string],
      queries: [query as string],
      sources: [source],
      licence,
      language,
      width: row.width as number,
      height: row.height as number,
      originalWidth: row.originalWidth as number,
      originalHeight: row.originalHeight as number,
      exif: row.exif,
      sha256: row.sha256 as string,
      pdq: row.pdq,
    });
  }
  return { samples, rejected, pictures };
}

/** A whole release below `release` in the store; its pictures can't be decoded, unless `stored` gives better ones. */
export async function makeSmallRelease(
  store: Store,
  candidates = 60,
  stored: StoredPicture = pictureOf,
  change: (sample: ReleaseSample) => ReleaseSample = (sample) => sample,
): Promise<SmallRelease> {
  const decided = decideSmall(candidates, stored);
  decided.samples = decided.samples.map(change);
  await writeSmallSegments(store, candidates, stored);
  const plan = await writePlan(store, "small", { ...smallPlan, candidates, ...decided });
  const release = storeBelow(store, "release");
  for (let shard = plan.shards - 1; shard >= 0; shard--) {
    const samples = await readPlanShard(store, "small", shard);
    await writeShard({ from: store, to: release, release: plan.id, shard, samples });
  }
  await finishRelease(store, "small", release);
  return { ...decided, release };
}
