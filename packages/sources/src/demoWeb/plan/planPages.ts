import { demoShapes, type Combination, combinationName } from "../pictures/vocabulary.js";
import { seededRandom, type SeededRandom } from "../seededRandom.js";
import { demoHosts, hostsOfRole } from "./demoHosts.js";
import type { PlacedImage, PlannedImage, PlannedPage } from "./demoPlan.js";
import type { ImageFateName } from "./imageFates.js";
import { brokenPageFates, optOutPageFates, type PageFateName, pageFates } from "./pageFates.js";
import { type Way, ways } from "./ways.js";

/**
 * Lays images out on pages of 3 to 10. Albums show one combination and may name it in their title; mixed pages have
 * neutral titles, as a title is a text of every picture below it.
 */
export function planPages(
  seed: number,
  images: readonly PlannedImage[],
  ownPages: ReadonlySet<ImageFateName>,
  scaled: (count: number) => number,
): PlannedPage[] {
  const random = seededRandom(seed, "pages");
  const pages: PlannedPage[] = [];
  const addPage = (
    host: number,
    fate: PlannedPage["fate"],
    shown: readonly PlannedImage[],
    album: boolean,
  ) => {
    const id = pages.length;
    pages.push({
      id,
      host,
      path: `${fate === "page_robots" ? "/private" : ""}/${random.pick(["page", "post", "plate", "item", "view"])}/${id}${random.pick(["", ".html", "/"])}`,
      title: pageTitle(host, id, album ? (shown[0] as PlannedImage).combination : null, random),
      fate,
      placed: shown.map((image) => placed(image, random)),
    });
  };

  const siteNumbers = hostsOfRole("site").map((host) => host.number);
  const albums = new Map<string, PlannedImage[]>();
  const mixed: PlannedImage[] = [];
  for (const image of images) {
    if (ownPages.has(image.fate)) continue;
    const site = siteNumbers.includes(image.host) ? image.host : random.pick(siteNumbers);
    if (image.fate === "good" && random.chance(0.7)) {
      const key = `${site} ${combinationName(image.combination)}`;
      const album = albums.get(key) ?? [];
      album.push(image);
      albums.set(key, album);
    } else mixed.push(image);
  }
  for (const [key, album] of albums)
    for (const shown of chunks(album, random))
      if (shown.length >= 3) addPage(Number(key.split(" ")[0]), "good", shown, true);
      else mixed.push(...shown);

  // some pictures are shown twice: the same URL on a second page
  const again = mixed.filter((image) => image.fate === "good" && random.chance(0.2));
  for (const shown of chunks(random.shuffled(mixed), random))
    addPage(random.pick(siteNumbers), "good", shown, false);
  for (const shown of chunks(random.shuffled(again), random))
    addPage(random.pick(siteNumbers), "good", shown, false);

  // hosts and pages of a kind of their own
  for (const fate of ownPages) {
    const own = images.filter((image) => image.fate === fate);
    for (const shown of chunks(own, random)) {
      const isPageFate = (optOutPageFates as readonly string[]).includes(fate);
      // a page that closed hosts serve would never be read: their pictures are shown elsewhere
      const onOther = isPageFate || fate === "robots_error";
      const host = onOther ? random.pick(siteNumbers) : (shown[0] as PlannedImage).host;
      addPage(host, isPageFate ? (fate as PageFateName) : "good", shown, false);
    }
  }

  // pages that can't be read, or only by a detour; what they would show is shown elsewhere as well
  const good = mixed.filter((image) => image.fate === "good");
  for (const fate of brokenPageFates)
    for (let i = scaled(pageFates[fate].count); i > 0; i--) {
      const hosts = hostsOfRole(pageFates[fate].on).filter(
        ({ robots }) => fate !== "page_robots" || robots === "rules",
      );
      const host = random.pick(hosts).number;
      addPage(host, fate, random.shuffled(good).slice(0, 4), false);
    }
  return pages;
}

function placed(image: PlannedImage, random: SeededRandom): PlacedImage {
  const captionOffset = random.below(6);
  const way: Way = image.fate === "uninformative" ? "file_name" : random.pick(ways);
  return { image, way, captionOffset };
}

function pageTitle(host: number, id: number, album: Combination | null, random: SeededRandom): string {
  const site = demoHosts.find(({ number }) => number === host)?.name ?? "Portal";
  if (album === null)
    return `${random.pick(["Plate", "Sheet", "Set", "Collection", "Notebook"])} ${id} | ${site}`;
  const { colour, shape } = album;
  return random.pick([
    `${colour} ${demoShapes[shape]} | ${site}`,
    `Sheet ${id}: ${colour} ${demoShapes[shape]}`,
    `${site}: ${colour} ${shape}, set ${id}`,
  ]);
}

/** Cuts a list into pieces of 3 to 10; the last may be shorter. */
function chunks<T>(items: readonly T[], random: SeededRandom): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length;) {
    const size = 3 + random.below(8);
    result.push(items.slice(at, at + size));
    at += size;
  }
  return result;
}
