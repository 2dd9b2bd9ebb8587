import type { Reason } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import { type AnyIterable, groupsOf } from "../sorting/streams.js";
import { failureOf, outcomeOrder } from "./outcome.js";
import {
  fetchedOf,
  isFetched,
  type Picture,
  type SegmentedRow,
  speakersAtMost,
  spokenOf,
} from "./picture.js";
import type { Rejections } from "./rejections.js";

/** What keeps a row out for where it was found. */
export type OwnReason = (row: SegmentedRow["row"]) => Reason | null;

/** The order in which `groupByUrl` takes rows. */
export function urlOrder({ row: a }: SegmentedRow, { row: b }: SegmentedRow): number {
  return byteOrder(a.canonicalUrl, b.canonicalUrl) || byteOrder(a.candidateId, b.candidateId);
}

/**
 * Joins the rows of each canonical URL: the first row stands for all, with the outcome of whichever was fetched; the
 * others are its doubles (and say nothing beyond `speakersAtMost`). Rows that their own page withholds (`ownReason`)
 * keep that reason and add nothing to the picture.
 * @param rows in `urlOrder`
 * @param byUrl false: rows that were asked for themselves stand for themselves
 */
export async function* groupByUrl(
  rows: AnyIterable<SegmentedRow>,
  ownReason: OwnReason,
  rejections: Rejections,
  byUrl = true,
): AsyncGenerator<Picture, void> {
  for await (const all of groupsOf(rows, (a, b) => a.row.canonicalUrl === b.row.canonicalUrl)) {
    for (const group of byUrl ? [all] : apart(all)) {
      const picture = await pictureOf(group, ownReason, rejections);
      if (picture) yield picture;
    }
  }
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

async function pictureOf(
  group: readonly SegmentedRow[],
  ownReason: OwnReason,
  rejections: Rejections,
): Promise<Picture | null> {
  const outcome = group.reduce((best, row) => (outcomeOrder(row, best) < 0 ? row : best));
  const fetched = isFetched(outcome.row);
  const spoken: SegmentedRow[] = [];
  for (const segmented of group) {
    const { row } = segmented;
    const own = ownReason(row);
    if (own) await rejections.add(row, own, { outcome: outcome.row });
    // a page's opt-out is the row's own; an image's is the URL's, unless the same URL was fetched for another page
    else if (row.reason?.startsWith(fetched ? "optout_" : "optout_page_"))
      await rejections.add(row, failureOf(row), { outcome: row, errorMessage: row.errorMessage });
    else spoken.push(segmented);
  }
  const [first, ...others] = spoken.map(({ row }) => spokenOf(row));
  if (!first) return null;
  if (isFetched(outcome.row)) {
    const { canonicalUrl } = first;
    const fetched = fetchedOf(outcome.row);
    const silent = others.splice(speakersAtMost - 1);
    await rejections.addDoubles({ rows: [first, ...silent], fetched });
    return { canonicalUrl, rows: [first, ...others], segment: outcome.segment, fetched };
  }
  const { row } = group.filter(wasOpen).reduce((best, next) => (outcomeOrder(next, best) < 0 ? next : best));
  await rejections.add(first, failureOf(row), { outcome: row, errorMessage: row.errorMessage });
  for (const other of others)
    await rejections.add(other, "duplicate_url", { of: first.candidateId, outcome: row });
  return null;
}
