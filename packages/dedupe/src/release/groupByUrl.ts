import { isFetched, type Picture, type SegmentedRow } from "./picture.js";
import { failureOf, outcomeOrder } from "./outcome.js";
import type { Rejections } from "./rejections.js";

/**
 * Joins the rows of each canonical URL: the first row (they come by candidateId) stands for all, with the outcome of
 * whichever was fetched; the others are its doubles. Rows that their own page withholds (`ownReason`) keep that
 * reason and add nothing to the picture.
 * @param rows by candidateId
 * @param byUrl false: rows that were asked for themselves stand for themselves
 */
export function groupByUrl(
  rows: readonly SegmentedRow[],
  ownReason: (row: SegmentedRow["row"]) => "blocklisted" | null,
  rejections: Rejections,
  byUrl = true,
): Picture[] {
  const groups = new Map<string, SegmentedRow[]>();
  for (const row of rows) {
    const { canonicalUrl } = row.row;
    const group = groups.get(canonicalUrl);
    if (group) group.push(row);
    else groups.set(canonicalUrl, [row]);
  }
  const pictures: Picture[] = [];
  for (const [canonicalUrl, all] of groups) {
    for (const group of byUrl ? [all] : apart(all)) {
      const picture = pictureOf(canonicalUrl, group, ownReason, rejections);
      if (picture) pictures.push(picture);
    }
  }
  return pictures;
}

/** A row for each time that a URL was asked for; rows that never were join the one with the best outcome. */
function apart(group: readonly SegmentedRow[]): SegmentedRow[][] {
  const asked = group.filter(({ row }) => row.reason !== "duplicate_url");
  const [best] = asked.filter(wasOpen).sort(outcomeOrder);
  const others = group.filter((row) => row === best || row.row.reason === "duplicate_url");
  return [others, ...asked.filter((row) => row !== best).map((row) => [row])].filter(
    ({ length }) => length > 0,
  );
}

/** Rows that were asked for, or left out because another was; not those that their page kept from being asked for. */
const wasOpen = ({ row }: SegmentedRow): boolean => !row.reason?.startsWith("optout_page_");

function pictureOf(
  canonicalUrl: string,
  group: readonly SegmentedRow[],
  ownReason: (row: SegmentedRow["row"]) => "blocklisted" | null,
  rejections: Rejections,
): Picture | null {
  const outcome = group.reduce((best, row) => (outcomeOrder(row, best) < 0 ? row : best));
  const fetched = isFetched(outcome.row);
  const spoken: SegmentedRow[] = [];
  for (const segmented of group) {
    const { row } = segmented;
    const own = ownReason(row);
    if (own) rejections.add(row, own, { outcome: outcome.row });
    // a page's opt-out is the row's own; an image's is the URL's, unless the same URL was fetched for another page
    else if (row.reason?.startsWith(fetched ? "optout_" : "optout_page_"))
      rejections.add(row, failureOf(row));
    else spoken.push(segmented);
  }
  const speaking = spoken.map(({ row }) => row);
  const [representative, ...others] = speaking;
  if (!representative) return null;
  if (isFetched(outcome.row)) {
    const { segment } = outcome;
    return { canonicalUrl, representative, rows: speaking, segment, fetched: outcome.row };
  }
  const { row } = group.filter(wasOpen).reduce((best, next) => (outcomeOrder(next, best) < 0 ? next : best));
  rejections.add(representative, failureOf(row), { outcome: row, errorMessage: row.errorMessage });
  for (const other of others)
    rejections.add(other, "duplicate_url", { of: representative.candidateId, outcome: row });
  return null;
}
