import type { DedupeSettings } from "@pairloom/config";
import { chooseCaption } from "./chooseCaption.js";
import { comparablePdq } from "./mergeDoubles.js";
import type { Picture } from "./picture.js";

/**
 * The pictures that stand for "not found" or "loading": the same bytes, or an equal PDQ hash, behind at least
 * `placeholderUrls` canonical URLs that are spoken of in at least `placeholderCaptions` different ways.
 */
export function findPlaceholders(
  pictures: readonly Picture[],
  settings: DedupeSettings,
  minCaptionCharacters: number,
): Set<Picture> {
  const placeholders = new Set<Picture>();
  if (!settings.placeholders) return placeholders;
  const alike = new Map<string, Picture[]>();
  const put = (key: string, picture: Picture): void => {
    const known = alike.get(key);
    if (known) known.push(picture);
    else alike.set(key, [picture]);
  };
  for (const picture of pictures) {
    const { sha256 } = picture.fetched;
    const pdq = comparablePdq(picture.fetched, settings);
    put(sha256, picture);
    if (pdq !== null) put(`pdq ${pdq}`, picture);
  }
  for (const group of alike.values()) {
    if (group.length < settings.placeholderUrls) continue;
    if (new Set(group.map(({ canonicalUrl }) => canonicalUrl)).size < settings.placeholderUrls) continue;
    const captions = new Set(
      group.map(({ rows }) => chooseCaption(rows, minCaptionCharacters)?.toLowerCase()),
    );
    captions.delete(undefined);
    if (captions.size >= settings.placeholderCaptions) for (const picture of group) placeholders.add(picture);
  }
  return placeholders;
}
