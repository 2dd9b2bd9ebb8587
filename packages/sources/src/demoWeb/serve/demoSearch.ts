import { type DemoPicture, demoPicture } from "../pictures/demoPicture.js";
import { demoBackgroundNames, demoColourNames, demoShapeNames, demoShapes } from "../pictures/vocabulary.js";
import { demoHosts } from "../plan/demoHosts.js";
import type { DemoPlan, PlannedImage, PlannedPage } from "../plan/demoPlan.js";
import { hostOrigin, imageUrl } from "../plan/imageUrl.js";

type SearchResult =
  | { type: "page"; url: string; title: string }
  | { type: "image"; url: string; title: string; caption: string; licence: string | null };

/** The demo web's search engine: knows what every picture shows; pages first, most hits first, then single images. */
export interface DemoSearch {
  find(query: string, port: number): SearchResult[];
}

type Facets = Record<"colour" | "shape" | "size" | "background" | "count", string | null>;

export function demoSearch(plan: DemoPlan): DemoSearch {
  const facets = new Map<PlannedImage, Facets>();
  const facetsOf = (image: PlannedImage): Facets => {
    let known = facets.get(image);
    if (known === undefined) {
      known = pictureFacets(demoPicture(plan.seed, image.combination, image.index));
      facets.set(image, known);
    }
    return known;
  };
  return {
    find(query, port) {
      const wanted = queryFacets(query);
      if (Object.values(wanted).every((value) => value === null)) return [];
      const { colour, shape } = wanted;
      const hit = (image: PlannedImage) =>
        (colour === null || image.combination.colour === colour) &&
        (shape === null || image.combination.shape === shape) &&
        matches(facetsOf(image), wanted);
      const pages = plan.pages
        .map((page) => ({ page, hits: page.placed.filter(({ image }) => hit(image)).length }))
        .filter(({ hits }) => hits > 0)
        .sort((a, b) => b.hits - a.hits || a.page.id - b.page.id);
      return [
        ...pages.map(({ page }) => pageResult(page, port)),
        ...plan.searchOnly.filter(hit).map((image) => imageResult(plan, image, port)),
      ];
    },
  };
}

function pageResult(page: PlannedPage, port: number): SearchResult {
  return { type: "page", url: hostOrigin(page.host, port) + page.path, title: page.title };
}

function imageResult(plan: DemoPlan, image: PlannedImage, port: number): SearchResult {
  const { captions } = demoPicture(plan.seed, image.combination, image.index);
  return {
    type: "image",
    url: imageUrl(image, port),
    title: captions[1] as string,
    caption: captions[0] as string,
    licence: demoHosts.find(({ number }) => number === image.host)?.licence ?? null,
  };
}

function matches(facets: Facets, wanted: Facets): boolean {
  return (Object.keys(wanted) as (keyof Facets)[]).every(
    (key) => wanted[key] === null || wanted[key] === facets[key],
  );
}

function pictureFacets({ scene }: DemoPicture): Facets {
  const { colour, shape, size, background, count } = scene;
  return { colour, shape, size, background, count: String(count) };
}

/** What a query asks for, word by word; unknown words are passed over. */
function queryFacets(query: string): Facets {
  const words = query.toLowerCase().split(/[^a-z]+/);
  const among = (names: readonly string[]) => names.find((name) => words.includes(name)) ?? null;
  const synonyms: Record<string, string> = { small: "small", little: "small", large: "large", big: "large" };
  const numerals: Record<string, string> = { one: "1", two: "2", three: "3" };
  const first = (table: Record<string, string>) =>
    words.map((word) => table[word]).find((word) => word) ?? null;
  return {
    colour: among(demoColourNames),
    shape: demoShapeNames.find((name) => words.includes(name) || words.includes(demoShapes[name])) ?? null,
    size: first(synonyms),
    background: among(demoBackgroundNames),
    count: first(numerals),
  };
}
