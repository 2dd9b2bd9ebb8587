import { seededRandom, type SeededRandom } from "../seededRandom.js";
import { demoPicture } from "../pictures/demoPicture.js";
import { heldOutCombinations } from "../pictures/heldOut.js";
import { allCombinations, combinationName } from "../pictures/vocabulary.js";
import { deadHostNumber, hostsOfRole } from "./demoHosts.js";
import type { DemoPlan, PlannedImage } from "./demoPlan.js";
import { doubleFates, goodFlavours, type ImageFateName, imageFateNames, imageFates } from "./imageFates.js";
import { optOutPageFates } from "./pageFates.js";
import { planPages } from "./planPages.js";

/** Good distinct pictures of a combination at scale 1. */
export const goodPictures = { seen: 98, heldOut: 112 } as const;

/** The whole demo web from a seed. `scale` multiplies every count (each stays at least 1). */
export function planDemoWeb(seed: number, scale = 1): DemoPlan {
  const heldOut = new Set(heldOutCombinations(seed).map(combinationName));
  const scaled = (count: number) => Math.max(1, Math.round(count * scale));
  const random = seededRandom(seed, "plan");
  const paths = new Set<string>();

  const good = allCombinations.flatMap((combination) => {
    const count = scaled(
      heldOut.has(combinationName(combination)) ? goodPictures.heldOut : goodPictures.seen,
    );
    return Array.from({ length: count }, (_, index) => ({ combination, index }));
  });
  const siteNumbers = hostsOfRole("site").map((host) => host.number);
  const ruledNumbers = hostsOfRole("site").flatMap(({ number, robots }) =>
    robots === "rules" ? [number] : [],
  );
  const place = (fate: ImageFateName, combination: PlannedImage["combination"], index: number) => {
    const { on } = imageFates[fate];
    const host =
      fate === "dead_host"
        ? deadHostNumber
        : on === "page"
          ? random.pick(fate === "robots_path" || fate === "robots_pattern" ? ruledNumbers : siteNumbers)
          : random.pick(hostsOfRole(on)).number;
    const extension =
      fate === "truncated" || fate === "garbage" ? "jpg" : demoPicture(seed, combination, index).format;
    const image = { host, path: imagePath(fate, host, extension, random, paths), fate, combination, index };
    return image satisfies PlannedImage;
  };

  // good ones, some of them served in a roundabout way
  const flavours: ImageFateName[] = goodFlavours.flatMap((fate) =>
    Array<ImageFateName>(scaled(imageFates[fate].count)).fill(fate),
  );
  const images = random
    .shuffled(good)
    .map(({ combination, index }, i) => place(flavours[i] ?? "good", combination, index));
  const originals = images.filter((image) => image.fate === "good");

  // doubles of good ones
  const doubles = doubleFates.flatMap((fate) =>
    Array.from({ length: Math.min(scaled(imageFates[fate].count), originals.length) }, () => {
      const { combination, index } = random.pick(originals);
      return place(fate, combination, index);
    }),
  );

  // all others have pictures of their own, never seen elsewhere
  const special = new Set<ImageFateName>(["good", ...goodFlavours, ...doubleFates]);
  const seen = allCombinations.filter((combination) => !heldOut.has(combinationName(combination)));
  let index = 1000;
  const others = imageFateNames
    .filter((fate) => !special.has(fate))
    .flatMap((fate) =>
      Array.from({ length: scaled(imageFates[fate].count) }, () =>
        // a picture that nothing names, or whose picture is not its own, never belongs to a held-out combination
        place(
          fate,
          random.pick(fate === "uninformative" || fate === "placeholder" ? seen : allCombinations),
          index++,
        ),
      ),
    );

  const all = [...images, ...doubles, ...others];
  const ofPages = new Set<ImageFateName>([...optOutPageFates, "calm", "slow", "robots_error"]);
  const searchOnly = random.shuffled(originals).slice(0, Math.floor(originals.length * 0.08));
  const onPages = new Set(searchOnly);
  const pages = planPages(
    seed,
    all.filter((image) => !onPages.has(image)),
    ofPages,
    scaled,
  );
  return { seed, scale, images: all, pages, searchOnly };
}

/** A path that tells nothing of the picture; closed parts of a host have paths of their own. */
function imagePath(
  fate: ImageFateName,
  host: number,
  extension: string,
  random: SeededRandom,
  taken: Set<string>,
): string {
  const folder: Partial<Record<ImageFateName, string>> = {
    robots_path: "/private/",
    robots_agent: "/for-people/",
    tdm_file: "/reserved/",
  };
  const letters = "abcdefghijkmnpqrstuvwxyz23456789";
  for (;;) {
    const name = Array.from({ length: 9 }, () => letters[random.below(letters.length)]).join("");
    const file = fate === "robots_pattern" ? `draft-${name}` : name;
    const suffix = fate === "svg_script" ? "svg" : extension;
    const path = `${folder[fate] ?? "/media/"}${file}.${suffix}`;
    if (taken.has(`${host}${path}`)) continue;
    taken.add(`${host}${path}`);
    return path;
  }
}
