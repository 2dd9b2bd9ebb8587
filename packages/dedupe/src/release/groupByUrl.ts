import { isFetched, type Picture, type SegmentedRow } from "./picture.js";
import { failureOf, outcomeOrder } from "./outcome.js";
import type { Rejections } from "./rejections.js";

/**
 * Joins the rows of each canonical URL: the first row (they come by candidateId) stands for all, with the outcome of
 * whichever was fetched; the others are its doubles. Rows that their own page withholds (`ownReason`) keep that
 * reason and add nothing to the picture.
 * @param rows by candidateId
 */
export function groupByUrl(
  rows: readonly SegmentedRow[],
  ownReason: (row: SegmentedRow["row"]) => "blocklisted" | null,
  rejections: Rejections,
): Picture[] {
  const groups = new Map<string, SegmentedRow[]>();
  for (const row of rows) {
    const { canonicalUrl } = row.row;
    const group = groups.get(canonicalUrl);
    if (group) group.push(row);
    else groups.set(canonicalUrl, [row]);
  }
  const pictures: Picture[] = [];
  for (const [canonicalUrl, group] of groups) {
    const outcome = group.reduce((best, row) => (outcomeOrder(row, best) < 0 ? row : best));
    const fetched = isFetched(outcome.row);
    const spoken: SegmentedRow[] = [];
    /** Rows that were asked for, or left out because another was; not those that their page kept from being asked for. */
    const asked = group.filter(({ row }) => !row.reason?.startsWith("optout_page_"));
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
    if (!representative) continue;
    if (isFetched(outcome.row)) {
      const { segment } = outcome;
      pictures.push({ canonicalUrl, representative, rows: speaking, segment, fetched: outcome.row });
    } else {
      const { row } = asked.reduce((best, next) => (outcomeOrder(next, best) < 0 ? next : best));
      rejections.add(representative, failureOf(row), { outcome: row, errorMessage: row.errorMessage });
      for (const other of others) {
        rejections.add(other, "duplicate_url", { of: representative.candidateId, outcome: row });
      }
    }
  }
  return pictures;
}
