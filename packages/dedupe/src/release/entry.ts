import { createHash } from "node:crypto";
import type { ReleaseSettings, SegmentRow } from "@pairloom/config";
import { chooseCaption } from "./chooseCaption.js";
import type { MergedPicture } from "./mergeDoubles.js";
import type { Rejections } from "./rejections.js";

/** A kept picture on its way: its rows and doubles' rows, and its caption. */
export interface Entry {
  merged: MergedPicture;
  rows: SegmentRow[];
  caption: string;
  /** Seeded hash: who comes first where a cap chooses. */
  order: string;
}

/** Joins the rows of each kept picture and its doubles, and gives it a caption. */
export function captioned(
  merged: readonly MergedPicture[],
  settings: ReleaseSettings,
  rejections: Rejections,
): Entry[] {
  const entries: Entry[] = [];
  for (const one of merged) {
    const rows = [one.picture, ...one.doubles].flatMap((picture) => picture.rows);
    const caption = chooseCaption(rows, settings.minCaptionCharacters);
    if (caption === null) {
      rejections.addPicture(one.picture, "caption_unusable");
      continue;
    }
    const { sha256 } = one.picture.fetched;
    const order = createHash("sha256")
      .update(`${settings.seed} ${sha256} ${one.picture.canonicalUrl}`)
      .digest("hex");
    entries.push({ merged: one, rows, caption, order });
  }
  return entries;
}
