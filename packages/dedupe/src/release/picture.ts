import type { SegmentRow } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";

/** A row and the segment that it stands in. */
export interface SegmentedRow {
  segment: string;
  row: SegmentRow;
}

/** A row whose picture lies in its segment's tar. */
export type FetchedRow = SegmentRow & {
  reason: null;
  member: string;
  width: number;
  height: number;
  originalWidth: number;
  originalHeight: number;
  sha256: string;
};

/** What a row says of a picture, whatever became of it. */
export type Spoken = Pick<
  SegmentRow,
  | "candidateId"
  | "imageUrl"
  | "canonicalUrl"
  | "texts"
  | "pageUrl"
  | "query"
  | "source"
  | "licence"
  | "language"
>;

/** What fetching a picture gave. */
export type Fetched = Pick<
  FetchedRow,
  | "member"
  | "width"
  | "height"
  | "originalWidth"
  | "originalHeight"
  | "exif"
  | "sha256"
  | "pdq"
  | "pdqQuality"
  | "httpStatus"
>;

/**
 * Rows that speak for one picture at most, the first in the order of their candidates or pictures: a logo stands on
 * millions of pages, and what more of them say has no room in its record (`sampleOf.ts`).
 */
export const speakersAtMost = 100_000;

/** One canonical URL that was fetched, with the rows that name it. */
export interface Picture {
  canonicalUrl: string;
  /**
   * Rows whose texts, pages and queries count. The first, that of the smallest candidateId, stands for all, whichever was
   * the one to be fetched.
   */
  rows: [Spoken, ...Spoken[]];
  segment: string;
  fetched: Fetched;
}

export function spokenOf(row: SegmentRow): Spoken {
  const { candidateId, imageUrl, canonicalUrl, texts, pageUrl, query, source, licence, language } = row;
  return { candidateId, imageUrl, canonicalUrl, texts, pageUrl, query, source, licence, language };
}

export function fetchedOf(row: FetchedRow): Fetched {
  const { member, width, height, originalWidth, originalHeight, exif, sha256, pdq, pdqQuality } = row;
  const size = { width, height, originalWidth, originalHeight };
  return { member, ...size, exif, sha256, pdq, pdqQuality, httpStatus: row.httpStatus };
}

export function isFetched(row: SegmentRow): row is FetchedRow {
  return (
    row.reason === null &&
    row.member !== null &&
    row.sha256 !== null &&
    row.width !== null &&
    row.height !== null &&
    row.originalWidth !== null &&
    row.originalHeight !== null
  );
}

type Content = Pick<Fetched, "originalWidth" | "originalHeight" | "sha256">;

/** Content order: larger pictures first, then by sha256. Says nothing of where or when a picture was found. */
export function contentOrder(a: Content, b: Content): number {
  return (
    b.originalWidth * b.originalHeight - a.originalWidth * a.originalHeight || byteOrder(a.sha256, b.sha256)
  );
}

/** The order in which pictures are kept and numbered: content, then URL (then candidate, where one URL has several). */
export function pictureOrder(a: Picture, b: Picture): number {
  return (
    contentOrder(a.fetched, b.fetched) ||
    byteOrder(a.canonicalUrl, b.canonicalUrl) ||
    byteOrder(a.rows[0].candidateId, b.rows[0].candidateId)
  );
}

/** How many rows a picture is worth in memory. */
export const pictureWeight = ({ rows }: Picture): number => rows.length;
