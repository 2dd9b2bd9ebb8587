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

/** One canonical URL that was fetched, with every row that names it. */
export interface Picture {
  canonicalUrl: string;
  /** The row that stands for the group: that of the smallest candidateId, whichever was the one to be fetched. */
  representative: SegmentRow;
  /** Rows whose texts, pages and queries count, the representative among them. */
  rows: SegmentRow[];
  segment: string;
  fetched: FetchedRow;
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

/** Content order: larger pictures first, then by sha256. Says nothing of where or when a picture was found. */
export function contentOrder(a: FetchedRow, b: FetchedRow): number {
  return (
    b.originalWidth * b.originalHeight - a.originalWidth * a.originalHeight || byteOrder(a.sha256, b.sha256)
  );
}

/** The order in which pictures are kept and numbered: content, then URL (then candidate, where one URL has several). */
export function pictureOrder(a: Picture, b: Picture): number {
  return (
    contentOrder(a.fetched, b.fetched) ||
    byteOrder(a.canonicalUrl, b.canonicalUrl) ||
    byteOrder(a.representative.candidateId, b.representative.candidateId)
  );
}
