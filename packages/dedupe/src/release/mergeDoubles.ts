import type { DedupeSettings } from "@pairloom/config";
import { HammingIndex } from "../hammingIndex.js";
import type { Picture } from "./picture.js";
import type { Rejections } from "./rejections.js";

/** A picture that no kept picture doubles, with those that double it. */
export interface MergedPicture {
  picture: Picture;
  doubles: Picture[];
}

/**
 * Goes through the pictures in release order and keeps each that no kept one doubles, by bytes or within the PDQ
 * radius; so nearness doesn't chain. A double goes to the nearest kept picture, of equally near ones to the first.
 * @param pictures in `pictureOrder`
 */
export function mergeDoubles(
  pictures: readonly Picture[],
  settings: DedupeSettings,
  rejections: Rejections,
): MergedPicture[] {
  const kept: MergedPicture[] = [];
  const byBytes = new Map<string, MergedPicture>();
  const byPdq = new HammingIndex();
  for (const picture of pictures) {
    const { sha256, pdq, pdqQuality } = picture.fetched;
    const same = settings.bytes ? byBytes.get(sha256) : undefined;
    const comparable = settings.near && pdq !== null && (pdqQuality ?? 0) > settings.minQuality;
    const near = !same && comparable ? byPdq.nearest(pdq, settings.radius) : null;
    const doubled = same ?? (near ? kept[near.id] : undefined);
    if (doubled) {
      const of = doubled.picture.representative.candidateId;
      rejections.addPicture(picture, same ? "duplicate_bytes" : "duplicate_near", { of });
      doubled.doubles.push(picture);
      // a later picture with these bytes is a double by bytes, not by nearness
      if (!same) byBytes.set(sha256, doubled);
      continue;
    }
    const merged = { picture, doubles: [] };
    if (comparable) byPdq.add(pdq, kept.length);
    byBytes.set(sha256, merged);
    kept.push(merged);
  }
  return kept;
}
