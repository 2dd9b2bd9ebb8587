import type { DedupeSettings } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import { parsePdq, pdqParts } from "../pdqBits.js";
import type { Sorted, Spill } from "../sorting/spill.js";
import { groupsOf, joined, numbered } from "../sorting/streams.js";
import { turns } from "../turns.js";
import { type NearOptions, openNearKept } from "./nearKept.js";
import { type Fetched, type Picture, pictureWeight } from "./picture.js";
import type { Rejections } from "./rejections.js";
import { progressOf } from "./releaseProgress.js";

/** A picture that no kept picture doubles, with those that double it. */
export interface MergedPicture {
  picture: Picture;
  doubles: Picture[];
}

/** The hash by which a picture is compared; null where it has none or is too flat. */
export function comparablePdq(
  { pdq, pdqQuality }: Fetched,
  { minQuality }: Pick<DedupeSettings, "minQuality">,
): string | null {
  return (pdqQuality ?? 0) > minQuality ? pdq : null;
}

/** What of each picture, by its place in the order, is kept: 8 bytes a picture. */
export interface Verdicts {
  /** The kept picture that one doubles; its own place where it is kept. */
  readonly of: Uint32Array;
  /** Whether it has the bytes of one before it. */
  isSame: (place: number) => boolean;
}

const none = 0xffffffff;

/**
 * Goes through the pictures in release order and keeps each that no kept one doubles, by bytes or within the PDQ
 * radius; so nearness doesn't chain. A double goes to the nearest kept picture, of equally near ones to the first.
 * Takes 48 bytes a picture, and those of the near pairs.
 * @param pictures in `pictureOrder`
 */
export async function findDoubles(
  pictures: Sorted<Picture>,
  settings: DedupeSettings,
  spill: Spill,
  options: NearOptions = {},
): Promise<Verdicts> {
  /** The place of each hash, and the number of each place's hash. */
  const placeOf = new Uint32Array(settings.near ? pictures.count : 0);
  const hashAt = new Uint32Array(placeOf.length).fill(none);
  const hashes = new Uint32Array(placeOf.length * pdqParts);
  let count = 0;
  const bySha256 = spill.sorter<[sha256: string, place: number]>({
    order: (a, b) => byteOrder(a[0], b[0]) || a[1] - b[1],
  });
  for await (const [{ fetched }, place] of numbered(pictures)) {
    if (settings.bytes) await bySha256.add([fetched.sha256, place]);
    const pdq = settings.near ? comparablePdq(fetched, settings) : null;
    if (pdq === null) continue;
    parsePdq(pdq, hashes, count * pdqParts);
    placeOf[count] = place;
    hashAt[place] = count++;
  }
  /** The first place with the same bytes. */
  const first = new Uint32Array(pictures.count);
  for (let place = 0; place < first.length; place++) first[place] = place;
  const same = await bySha256.sorted();
  for await (const [[, leader], ...others] of groupsOf(same, (a, b) => a[0] === b[0]))
    for (const [, place] of others) first[place] = leader;
  await same.drop();

  const near = await openNearKept(hashes.subarray(0, count * pdqParts), settings.radius, options);
  const of = new Uint32Array(pictures.count);
  const turn = turns();
  const compared = progressOf("pictures", of.length, options.onProgress);
  for (let place = 0; place < of.length; place++) {
    compared();
    const others = turn();
    if (others !== null) await others;
    if (first[place] !== place) {
      of[place] = of[first[place]!]!;
      continue;
    }
    const hash = hashAt[place] ?? none;
    const nearest = hash === none ? null : near.nearest(hash);
    of[place] = nearest === null ? place : placeOf[nearest]!;
    if (nearest === null && hash !== none) near.keep(hash);
  }
  return { of, isSame: (place) => first[place] !== place };
}

/** The kept pictures in release order, each with its doubles, which are rejected. */
export async function* mergeDoubles(
  pictures: Sorted<Picture>,
  { of, isSame }: Verdicts,
  spill: Spill,
  rejections: Rejections,
): AsyncGenerator<MergedPicture, void> {
  interface Double {
    of: number;
    isSame: boolean;
    picture: Picture;
  }
  const sorter = spill.sorter<Double>({
    order: (a, b) => a.of - b.of,
    weigh: ({ picture }) => pictureWeight(picture),
  });
  for await (const [picture, place] of numbered(pictures))
    if (of[place] !== place) await sorter.add({ of: of[place]!, isSame: isSame(place), picture });
  const doubles = await sorter.sorted();
  for await (const [[picture], own] of joined(
    kept(pictures, of),
    doubles,
    (one, [, place]) => one.of - place,
  )) {
    for (const double of own) {
      const reason = double.isSame ? "duplicate_bytes" : "duplicate_near";
      await rejections.addPicture(double.picture, reason, { of: picture.rows[0].candidateId });
    }
    yield { picture, doubles: own.map((double) => double.picture) };
  }
  await doubles.drop();
}

async function* kept(pictures: Sorted<Picture>, of: Uint32Array): AsyncGenerator<[Picture, number], void> {
  for await (const [picture, place] of numbered(pictures)) if (of[place] === place) yield [picture, place];
}
