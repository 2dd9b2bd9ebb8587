import type { DedupeSettings } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import type { Sorted, Sorter, Spill } from "../sorting/spill.js";
import { groupsOf } from "../sorting/streams.js";
import { chooseCaption } from "./chooseCaption.js";
import { comparablePdq } from "./doubles.js";
import type { Fetched, Picture } from "./picture.js";
import type { Rejections } from "./rejections.js";

/** How one URL is spoken of. */
interface Mention {
  /** What its picture has in common with others: bytes, or a PDQ hash. */
  alike: string;
  canonicalUrl: string;
  /** In lower case; null where no text is usable. */
  caption: string | null;
}

/**
 * Finds the pictures that stand for "not found" or "loading": the same bytes, or an equal PDQ hash, behind at least
 * `placeholderUrls` canonical URLs that are spoken of in at least `placeholderCaptions` different ways.
 */
export class PlaceholderFinder {
  readonly #settings: DedupeSettings;
  readonly #minCaptionCharacters: number;
  readonly #mentions: Sorter<Mention>;

  constructor(spill: Spill, settings: DedupeSettings, minCaptionCharacters: number) {
    this.#settings = settings;
    this.#minCaptionCharacters = minCaptionCharacters;
    this.#mentions = spill.sorter({ order: (a, b) => byteOrder(a.alike, b.alike) });
  }

  async add({ canonicalUrl, rows, fetched }: Picture): Promise<void> {
    if (!this.#settings.placeholders) return;
    const caption = chooseCaption(rows, this.#minCaptionCharacters)?.toLowerCase() ?? null;
    for (const alike of this.#alike(fetched)) await this.#mentions.add({ alike, canonicalUrl, caption });
  }

  /** All pictures were added: tells which of them are placeholders; null where none is. */
  async found(): Promise<((picture: Picture) => boolean) | null> {
    const { placeholderUrls, placeholderCaptions } = this.#settings;
    const placeholders = new Set<string>();
    const mentions = await this.#mentions.sorted();
    for await (const group of groupsOf(mentions, (a, b) => a.alike === b.alike)) {
      if (group.length < placeholderUrls) continue;
      if (new Set(group.map(({ canonicalUrl }) => canonicalUrl)).size < placeholderUrls) continue;
      const captions = new Set(group.map(({ caption }) => caption));
      captions.delete(null);
      if (captions.size >= placeholderCaptions) placeholders.add(group[0].alike);
    }
    await mentions.drop();
    if (placeholders.size === 0) return null;
    return ({ fetched }) => this.#alike(fetched).some((key) => placeholders.has(key));
  }

  #alike(fetched: Fetched): string[] {
    const pdq = comparablePdq(fetched, this.#settings);
    return pdq === null ? [fetched.sha256] : [fetched.sha256, `pdq ${pdq}`];
  }
}

/** Rejects every row of a placeholder; what is left can be gone through as before. */
export async function withoutPlaceholders(
  pictures: Sorted<Picture>,
  finder: PlaceholderFinder,
  rejections: Rejections,
): Promise<Sorted<Picture>> {
  const isPlaceholder = await finder.found();
  if (isPlaceholder === null) return pictures;
  let count = 0;
  for await (const picture of pictures) {
    if (!isPlaceholder(picture)) count++;
    else
      for (const row of picture.rows) await rejections.add(row, "placeholder", { outcome: picture.fetched });
  }
  return {
    count,
    drop: () => pictures.drop(),
    async *[Symbol.asyncIterator]() {
      for await (const picture of pictures) if (!isPlaceholder(picture)) yield picture;
    },
  };
}
