import type { DescribedText } from "./candidate.js";
import type { Reason } from "./reason.js";

/** What became of one candidate in the fetcher: one row of a segment's parquet, failures included. */
export interface SegmentRow {
  /** `candidateId`: 32 hex digits; unique over the dataset after the release's merge. */
  candidateId: string;
  imageUrl: string;
  /** The URL after canonicalisation: what the URL layer compares. */
  canonicalUrl: string;
  texts: DescribedText[];
  pageUrl: string | null;
  query: string | null;
  source: string;
  licence: string | null;
  language: string | null;
  /** Base name of the picture in the segment's tar; null where there is none. */
  member: string | null;
  /** null means fetched; `duplicate_url` means another row of the dataset fetched this URL. */
  reason: Reason | null;
  /** A line for a person; null where there is nothing to add. */
  errorMessage: string | null;
  httpStatus: number | null;
  finalUrl: string | null;
  /** Pixels as stored. */
  width: number | null;
  height: number | null;
  /** Pixels as fetched, after EXIF orientation. */
  originalWidth: number | null;
  originalHeight: number | null;
  /** Bytes as fetched. */
  originalBytes: number | null;
  /** "jpeg", "png", "webp", "gif", "avif", "tiff" as fetched. */
  originalFormat: string | null;
  /** JSON of the EXIF tags, as img2dataset writes it, or null. */
  exif: string | null;
  /** Hex sha256 of the fetched bytes. */
  sha256: string | null;
  /** PDQ hash of the picture, 64 hex digits, and its quality 0–100. */
  pdq: string | null;
  pdqQuality: number | null;
}

/** A provisional verdict of the deduper on one fetched row; the release decides anew. */
export interface Verdict {
  candidateId: string;
  kept: boolean;
  /** One of the dedupe reasons where not kept. */
  reason: Reason | null;
  /** candidateId of the row this one doubles. */
  duplicateOf: string | null;
}
