import type { Reason } from "@pairloom/config";
import { combinationName } from "../pictures/vocabulary.js";
import type { DemoPlan } from "./demoPlan.js";
import { type ImageFateName, imageFates } from "./imageFates.js";
import { hostOrigin, imageUrl } from "./imageUrl.js";
import { type PageFateName, pageFates } from "./pageFates.js";

/** One image URL of the demo web and what should become of it. */
export interface DemoRoute {
  url: string;
  fate: ImageFateName;
  /** One of these is right. */
  expected: readonly (Reason | "kept")[];
  /** "red star". */
  combination: string;
  index: number;
  /** Pages that show it; none where only the search API names it. */
  pages: string[];
}

export function demoRoutes(plan: DemoPlan, port: number): DemoRoute[] {
  const pages = new Map<unknown, string[]>();
  for (const page of plan.pages)
    for (const { image } of page.placed) {
      const shownOn = pages.get(image) ?? [];
      shownOn.push(hostOrigin(page.host, port) + page.path);
      pages.set(image, shownOn);
    }
  return plan.images.map((image) => ({
    url: imageUrl(image, port),
    fate: image.fate,
    expected: imageFates[image.fate].expected,
    combination: combinationName(image.combination),
    index: image.index,
    pages: pages.get(image) ?? [],
  }));
}

/** One page and what should become of it. */
export interface DemoPageRoute {
  url: string;
  fate: PageFateName;
  /** "read", or the reason why not. */
  expected: readonly (Reason | "read")[];
  /** Pictures shown. */
  pictures: number;
}

export function demoPageRoutes(plan: DemoPlan, port: number): DemoPageRoute[] {
  return plan.pages.map((page) => ({
    url: hostOrigin(page.host, port) + page.path,
    fate: page.fate,
    expected: pageFates[page.fate].expected,
    pictures: page.placed.length,
  }));
}
