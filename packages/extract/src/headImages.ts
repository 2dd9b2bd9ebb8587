import type { DescribedText } from "@pairloom/config";

/** A meta element: its name or property in lower case, and its content. */
export interface MetaEntry {
  name: string;
  content: string;
}

interface HeadImage {
  address: string;
  texts: DescribedText[];
}

/**
 * The images that a page offers for previews (Open Graph, Twitter cards). A structured property (og:image:alt) belongs
 * to the image before it; where no image has one, the page's og:title and og:description speak of the first.
 */
export function headImages(entries: readonly MetaEntry[]): HeadImage[] {
  const images: HeadImage[] = [];
  let current: HeadImage | null = null;
  for (const { name, content } of entries) {
    if (/^og:image(:url|:secure_url)?$/.test(name)) {
      // og:image:url and :secure_url name the same picture once more.
      if (name !== "og:image" && current !== null && images.length > 0) continue;
      current = { address: content, texts: [] };
      images.push(current);
    } else if (name === "og:image:alt" && current !== null) {
      current.texts.push({ kind: "og", text: content });
    }
  }
  const twitter = first(entries, "twitter:image") ?? first(entries, "twitter:image:src");
  if (twitter !== null) {
    const alt = first(entries, "twitter:image:alt");
    images.push({ address: twitter, texts: alt === null ? [] : [{ kind: "og", text: alt }] });
  }
  const itemprop = first(entries, "itemprop:image");
  if (itemprop !== null) images.push({ address: itemprop, texts: [] });
  const said = (["title", "description"] as const).flatMap((what): DescribedText[] => {
    const text = first(entries, `og:${what}`) ?? first(entries, `twitter:${what}`);
    return text === null ? [] : [{ kind: "og", text }];
  });
  // The title speaks of the page's main picture, not of each in a list.
  const main = images[0]?.address;
  for (const image of images)
    if (image.address === main || image.texts.length === 0) image.texts.push(...said);
  return images;
}

function first(entries: readonly MetaEntry[], name: string): string | null {
  return entries.find((entry) => entry.name === name && entry.content.trim() !== "")?.content ?? null;
}
