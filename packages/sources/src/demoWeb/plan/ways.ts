/** How a page describes a picture: the ways of the real web. Some first pictures have og:image and sitemap entries too. */
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
/** "file_name": nothing but an alt that a camera wrote. */
export type Way = (typeof ways)[number] | "file_name";
