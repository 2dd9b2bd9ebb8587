import { createHash } from "node:crypto";
import type { ReleaseSettings } from "@pairloom/config";
import type { AnyIterable } from "../sorting/streams.js";
import { chooseCaption } from "./chooseCaption.js";
import type { MergedPicture } from "./doubles.js";
import { type Picture, speakersAtMost, type Spoken } from "./picture.js";
import type { Rejections } from "./rejections.js";

/** A kept picture on its way: what its rows and its doubles' say, and its caption. */
export interface Entry {
  picture: Picture;
  /** Rows of pictures that double this one, `speakersAtMost` of them. */
  others: Spoken[];
  caption: string;
  /** Seeded hash: who comes first where a cap chooses. */
  order: string;
}

/** Every row that speaks of an entry. */
export const rowsOf = ({ picture, others }: Pick<Entry, "picture" | "others">): Spoken[] => [
  ...picture.rows,
  ...others,
];

/** How many rows an entry is worth in memory. */
export const entryWeight = ({ picture, others }: Entry): number => picture.rows.length + others.length;

/** Joins the rows of each kept picture and its doubles, and gives it a caption. */
export async function* captioned(
  merged: AnyIterable<MergedPicture>,
  settings: ReleaseSettings,
  rejections: Rejections,
): AsyncGenerator<Entry, void> {
  for await (const { picture, doubles } of merged) {
    const others = doubles.flatMap(({ rows }) => rows).slice(0, speakersAtMost);
    const caption = chooseCaption(rowsOf({ picture, others }), settings.minCaptionCharacters);
    if (caption === null) {
      await rejections.addPicture(picture, "caption_unusable");
      continue;
    }
    const { canonicalUrl, fetched } = picture;
    const order = createHash("sha256")
      .update(`${settings.seed} ${fetched.sha256} ${canonicalUrl}`)
      .digest("hex");
    yield { picture, others, caption, order };
  }
}
