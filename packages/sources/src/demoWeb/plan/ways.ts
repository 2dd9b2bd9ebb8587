/** How a page describes a picture: the ways of the real web. */
export const ways = [
  "alt",
  "title",
  "figcaption",
  "alt_and_figcaption",
  "picture",
  "srcset",
  "lazy",
  "jsonld",
  "linked",
  "neighbour",
  "aria_label",
  "aria_describedby",
] as const;
export type Way = (typeof ways)[number] | "og" | "sitemap" | "file_name";
