import { z } from "zod";

const text = z
  .string()
  .nullish()
  .transform((value) => value?.replace(/\s+/g, " ").trim() || null);

const pageResult = z.object({ type: z.literal("page"), url: z.string().min(1) });

const imageResult = z.object({
  type: z.literal("image"),
  url: z.string().min(1),
  caption: text,
  title: text,
  description: text,
  pageUrl: text,
  licence: text,
  license: text,
  language: text,
});

/** One result: a page to read, or an image with what the API says of it. */
export const searchResult = z.discriminatedUnion("type", [pageResult, imageResult]);
export type SearchResult = z.infer<typeof searchResult>;

/**
 * The JSON that a search API answers: `{results: [...], next?}`. Results are checked one by one, so that a strange one
 * loses no others; fields that are not known are passed over.
 * `next`: URL of the next page, absolute or relative; null at the end; left out where {offset} does the paging.
 */
export const searchAnswer = z.object({
  results: z.array(z.unknown()),
  next: z.string().nullish(),
});
export type SearchAnswer = z.infer<typeof searchAnswer>;
