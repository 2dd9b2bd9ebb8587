import type { DedupeSettings } from "@pairloom/config";
import type { Entry } from "./entry.js";
import { comparablePdq } from "./mergeDoubles.js";
import type { Rejections } from "./rejections.js";

/**
 * Of entries with the same picture (its bytes, or an equal PDQ hash) and the same caption, in any case, the first stays
 * and gets the rows of the others. It finds what the layers before it let through: all of it where they are off, pictures
 * too flat to compare where they are on.
 * @param entries in release order
 */
export function joinRepeatedPairs(
  entries: readonly Entry[],
  settings: DedupeSettings,
  rejections: Rejections,
): Entry[] {
  if (!settings.pairs) return [...entries];
  const first = new Map<string, Entry>();
  return entries.filter((entry) => {
    const { picture } = entry.merged;
    const caption = entry.caption.toLowerCase();
    const pdq = comparablePdq(picture.fetched, settings);
    const pairs = [picture.fetched.sha256, ...(pdq === null ? [] : [`pdq ${pdq}`])].map(
      (image) => `${image} ${caption}`,
    );
    const known = pairs.map((pair) => first.get(pair)).find((one) => one !== undefined);
    for (const pair of pairs) if (!first.has(pair)) first.set(pair, known ?? entry);
    if (known === undefined) return true;
    const of = known.merged.picture.representative.candidateId;
    rejections.addPicture(picture, "duplicate_pair", { of });
    known.rows.push(...entry.rows);
    return false;
  });
}
