import type { Combination } from "../pictures/vocabulary.js";
import type { ImageFateName } from "./imageFates.js";
import type { PageFateName } from "./pageFates.js";
import type { Way } from "./ways.js";

/** One image file of the demo web. */
export interface PlannedImage {
  /** Host number: 127.0.0.host. */
  host: number;
  /** Starts with "/"; tells nothing of the picture. Unique on its host. */
  path: string;
  fate: ImageFateName;
  combination: Combination;
  /** Number of the picture among its combination's. */
  index: number;
}

/** An image as a page shows it. */
export interface PlacedImage {
  image: PlannedImage;
  way: Way;
  /** Which of the picture's six captions comes first here. */
  captionOffset: number;
}

export interface PlannedPage {
  host: number;
  path: string;
  title: string;
  fate: PageFateName;
  placed: PlacedImage[];
  /** Number of the page in the plan. */
  id: number;
}

/** Everything that the demo web holds: a pure function of the seed and the scale; free of ports. */
export interface DemoPlan {
  seed: number;
  scale: number;
  images: PlannedImage[];
  pages: PlannedPage[];
  /** Images that only the search API names. */
  searchOnly: PlannedImage[];
}
