import { textKinds, type Candidate, type DescribedText } from "@pairloom/config";
import { canonicalUrl } from "@pairloom/web";
import { cleanText } from "./elementText.js";
import { isNoAddress } from "./knownPlaceholder.js";

interface Found {
  imageUrl: string;
  texts: DescribedText[];
  licence: string | null;
  language: string | null;
}

const maxTexts = 20;

/** Names of files and numbers say nothing by themselves. */
const namesFile =
  /^[\w\-. %()]*\.(jpe?g|png|gif|webp|avif|svg|bmp|tiff?)$|^[\d\W_]+$|^(img|image|dsc|dscn|pict?)[\W_]*\d*$/i;

/** Gathers what a page says of each image: one entry for an image, however often it is mentioned. */
export class CandidateCollector {
  readonly #found = new Map<string, Found>();
  readonly skipped: Record<string, number> = {};

  constructor(
    private readonly baseUrl: string,
    private readonly maxImages: number,
    private readonly placeholders: { has(address: string): boolean },
  ) {}

  skip(why: string, count = 1): void {
    this.skipped[why] = (this.skipped[why] ?? 0) + count;
  }

  /** @param address as written on the page */
  add(
    address: string | null,
    texts: readonly DescribedText[],
    facts: { licence?: string | null; language?: string | null } = {},
  ): void {
    const written = address?.trim() ?? "";
    if (written === "" || written === "#") return this.skip("no_address");
    if (/^data:/i.test(written)) return this.skip("data_uri");
    if (isNoAddress(written) && !/^(javascript|about|blob):/i.test(written)) return this.skip("bad_address");
    let url: URL;
    try {
      url = new URL(written, this.baseUrl);
    } catch {
      return this.skip("bad_address");
    }
    if (url.protocol !== "http:" && url.protocol !== "https:") return this.skip("other_scheme");
    if (url.href.length > 8192) return this.skip("bad_address");
    if (this.placeholders.has(url.href)) return this.skip("placeholder");
    if (url.href.includes("#")) url.hash = "";
    const key = canonicalUrl(url.href);
    let found = this.#found.get(key);
    if (found === undefined) {
      if (this.#found.size >= this.maxImages) return this.skip("too_many_images");
      found = { imageUrl: url.href, texts: [], licence: null, language: null };
      this.#found.set(key, found);
    }
    for (const { kind, text } of texts) {
      const clean = cleanText(text);
      if (clean !== "") found.texts.push({ kind, text: clean });
    }
    found.licence ??= facts.licence ?? null;
    found.language ??= facts.language ?? null;
  }

  /** In document order; an image without any text is counted, not returned. */
  candidates(page: Omit<Candidate, "imageUrl" | "texts">, pageTitle: string | null): Candidate[] {
    const candidates: Candidate[] = [];
    for (const found of this.#found.values()) {
      const texts = orderTexts(found.texts);
      if (texts.length === 0) {
        this.skip("no_text");
        continue;
      }
      // Last resort: an image of which only a file's name is said.
      if (pageTitle !== null && texts.every(({ text }) => namesFile.test(text))) {
        texts.push({ kind: "page_title", text: pageTitle });
      }
      candidates.push({
        ...page,
        imageUrl: found.imageUrl,
        texts,
        licence: found.licence ?? page.licence,
        language: found.language ?? page.language,
      });
    }
    return candidates;
  }
}

/** Each text once, under the most trusted kind it was found as, in the order of `textKinds`. */
export function orderTexts(texts: readonly DescribedText[]): DescribedText[] {
  const rank = (text: DescribedText): number => textKinds.indexOf(text.kind);
  const seen = new Set<string>();
  return [...texts]
    .map((text, at) => ({ text, at }))
    .sort((a, b) => rank(a.text) - rank(b.text) || a.at - b.at)
    .map(({ text }) => text)
    .filter(({ text }) => {
      const same = text.toLowerCase();
      return seen.has(same) ? false : seen.add(same);
    })
    .slice(0, maxTexts);
}
