import type { DescribedText } from "./candidate.js";
import type { Reason } from "./reason.js";

/** One kept picture of a release, with everything that all its doubles said of it. */
export interface ReleaseSample {
  /** Nine digits or more: shard number (5) and index in the shard (4); unique over the release. */
  key: string;
  /** The segment whose tar holds the picture, and its base name there. */
  segment: string;
  member: string;
  /** The text that becomes KEY.txt. */
  caption: string;
  /** The URL of the row that was kept. */
  imageUrl: string;
  /** Texts of all doubles, each once. */
  texts: DescribedText[];
  /** Image URLs of all doubles, each once, in byte order; likewise pages, queries and sources. */
  urls: string[];
  pages: string[];
  queries: string[];
  sources: string[];
  licence: string | null;
  language: string | null;
  /** Pixels as stored. */
  width: number;
  height: number;
  /** Pixels as fetched, after EXIF orientation. */
  originalWidth: number;
  originalHeight: number;
  /** JSON of the EXIF tags, or null. */
  exif: string | null;
  /** Hex sha256 of the fetched bytes. */
  sha256: string;
  /** PDQ hash, 64 hex digits, or null where it was not computed. */
  pdq: string | null;
}

/** One candidate that is not a sample of the release, and why. */
export interface RejectedRow {
  candidateId: string;
  imageUrl: string;
  /** The first text of the candidate. */
  caption: string;
  pageUrl: string | null;
  query: string | null;
  source: string;
  reason: Reason;
  /** The key of the sample that it doubles, or the candidateId where that row was rejected itself; null for no double. */
  duplicateOf: string | null;
  errorMessage: string | null;
  httpStatus: number | null;
  /** Hex sha256 of the fetched bytes, null where nothing was fetched. */
  sha256: string | null;
}
