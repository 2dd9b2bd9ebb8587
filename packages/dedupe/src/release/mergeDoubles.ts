import type { DedupeSettings } from "@pairloom/config";
import { openNearKept } from "./nearKept.js";
import type { FetchedRow, Picture } from "./picture.js";
import type { Rejections } from "./rejections.js";

/** A picture that no kept picture doubles, with those that double it. */
export interface MergedPicture {
  picture: Picture;
  doubles: Picture[];
}

/** The hash by which a picture is compared; null where it has none or is too flat. */
export function comparablePdq(
  { pdq, pdqQuality }: FetchedRow,
  { minQuality }: Pick<DedupeSettings, "minQuality">,
): string | null {
  return (pdqQuality ?? 0) > minQuality ? pdq : null;
}

/**
 * Goes through the pictures in release order and keeps each that no kept one doubles, by bytes or within the PDQ
 * radius; so nearness doesn't chain. A double goes to the nearest kept picture, of equally near ones to the first.
 * @param pictures in `pictureOrder`
 * @param joinFrom from so many hashes on all pairs are found at once; it changes nothing but the time
 */
export function mergeDoubles(
  pictures: readonly Picture[],
  settings: DedupeSettings,
  rejections: Rejections,
  joinFrom?: number,
): MergedPicture[] {
  const kept: MergedPicture[] = [];
  const byBytes = new Map<string, MergedPicture>();
  const hashes = pictures.map(({ fetched }) => (settings.near ? comparablePdq(fetched, settings) : null));
  const byHash: (MergedPicture | undefined)[] = [];
  const comparable = hashes.filter((hash) => hash !== null);
  const near = openNearKept(comparable, settings.radius, joinFrom);
  let next = 0;
  for (const [at, picture] of pictures.entries()) {
    const { sha256 } = picture.fetched;
    const item = hashes[at] === null ? null : next++;
    const same = settings.bytes ? byBytes.get(sha256) : undefined;
    const nearest = same || item === null ? null : near.nearest(item);
    const doubled = same ?? (nearest === null ? undefined : byHash[nearest]);
    if (doubled) {
      const of = doubled.picture.representative.candidateId;
      rejections.addPicture(picture, same ? "duplicate_bytes" : "duplicate_near", { of });
      doubled.doubles.push(picture);
      // a later picture with these bytes is a double by bytes, not by nearness
      if (!same) byBytes.set(sha256, doubled);
      continue;
    }
    const merged = { picture, doubles: [] };
    if (item !== null) {
      near.keep(item);
      byHash[item] = merged;
    }
    byBytes.set(sha256, merged);
    kept.push(merged);
  }
  return kept;
}
