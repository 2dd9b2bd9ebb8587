import { mayPass, type Reason, reasonNames, type SegmentRow } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import { contentOrder, isFetched, type SegmentedRow } from "./picture.js";

const place = new Map<string, number>(reasonNames.map((reason, i) => [reason, i]));

/** The reason of a row that was not fetched. */
export function failureOf(row: SegmentRow): Reason {
  return row.reason ?? "decode_failed";
}

/**
 * Which of several outcomes for one candidate or one URL counts, whatever their order: a picture before a failure;
 * of pictures the first in content order; of failures one that says something itself (not `duplicate_url`), final
 * ones before those that may pass, then by the closed list's order.
 */
export function outcomeOrder(a: SegmentedRow, b: SegmentedRow): number {
  return (
    kindOrder(a.row, b.row) ||
    byteOrder(a.row.candidateId, b.row.candidateId) ||
    byteOrder(a.segment, b.segment) ||
    byteOrder(a.row.member ?? "", b.row.member ?? "")
  );
}

function kindOrder(a: SegmentRow, b: SegmentRow): number {
  if (!isFetched(a)) return isFetched(b) ? 1 : failureOrder(a, b);
  return isFetched(b) ? contentOrder(a, b) : -1;
}

function failureOrder(a: SegmentRow, b: SegmentRow): number {
  const x = failureOf(a);
  const y = failureOf(b);
  return (
    Number(x === "duplicate_url") - Number(y === "duplicate_url") ||
    Number(mayPass(x)) - Number(mayPass(y)) ||
    place.get(x)! - place.get(y)! ||
    (a.httpStatus ?? 0) - (b.httpStatus ?? 0) ||
    byteOrder(a.errorMessage ?? "", b.errorMessage ?? "")
  );
}

/** Rows of one candidate stand together, the one with the best outcome first. */
export function candidateOrder(a: SegmentedRow, b: SegmentedRow): number {
  return byteOrder(a.row.candidateId, b.row.candidateId) || outcomeOrder(a, b);
}
