import { candidateId, type SegmentRow } from "@pairloom/config";
import { urlKey } from "@pairloom/sources";
import { canonicalUrl } from "@pairloom/web";

/**
 * The keys of the URLs that a segment's job was the first to ask for: what its seen-set answered "new" to. It follows from
 * the rows alone, so that the set can be rebuilt from the segments.
 */
export function claimedUrls(rows: readonly SegmentRow[]): Buffer[] {
  return rows.filter(isClaim).map(({ canonicalUrl }) => urlKey(canonicalUrl));
}

function isClaim(row: SegmentRow): boolean {
  if (row.reason === "duplicate_url") return false;
  if (row.reason?.startsWith("optout_") === true) return !wasOptedOutByPage(row);
  return row.reason !== "url_invalid" || isCanonical(row);
}

/**
 * The same reasons are given to what its page opts out (that claims nothing) and to what its own server does. A candidate's id
 * covers its page's opt-outs, which the row doesn't repeat: without any it is the id of a row that was asked for.
 */
function wasOptedOutByPage({ candidateId: id, ...row }: SegmentRow): boolean {
  return candidateId({ ...row, optOuts: [] }) !== id;
}

function isCanonical({ imageUrl, canonicalUrl: canonical }: SegmentRow): boolean {
  try {
    return canonicalUrl(imageUrl) === canonical;
  } catch {
    return false;
  }
}
