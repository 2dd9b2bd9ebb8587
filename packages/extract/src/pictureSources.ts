import { isTag, type Element } from "domhandler";
import { attributeAddresses } from "./attributeAddresses.js";
import { ancestor } from "./elementText.js";
import { mediaMatches } from "./mediaMatches.js";
import type { SrcsetCandidate } from "./srcset.js";

/** Types a picture's source may have that we can read. */
const readable = /^image\/(jpeg|jpg|png|webp|avif|gif|apng|bmp|tiff|svg\+xml)$/;

const maxCandidates = 100;

interface Sources {
  candidates: SrcsetCandidate[];
  /** They are there for some screens only, so the img isn't one of them. */
  forScreens: boolean;
}

/** A picture may hold thousands of images. */
const known = new WeakMap<Element, Sources>();

/**
 * The candidates of an img and of its picture's sources.
 * @param own the img's
 */
export function pictureSources(img: Element, own: SrcsetCandidate[]): SrcsetCandidate[] {
  const picture = ancestor(img, 3, ({ name }) => name === "picture");
  if (picture === null) return own;
  let sources = known.get(picture);
  if (sources === undefined) known.set(picture, (sources = sourcesOf(picture)));
  return sources.forScreens ? sources.candidates : [...own, ...sources.candidates];
}

/**
 * Sources for other screens and of other types are left out; of the others those count that have the first one's media,
 * since they differ in their type alone.
 */
function sourcesOf(picture: Element): Sources {
  const sets: SrcsetCandidate[] = [];
  let ofMedia: string | null = null;
  for (const source of picture.children) {
    if (!isTag(source) || source.name !== "source" || sets.length >= maxCandidates) continue;
    const type = source.attribs.type?.trim().toLowerCase() ?? "";
    const media = source.attribs.media?.trim() ?? "";
    if ((type !== "" && !readable.test(type)) || !mediaMatches(media)) continue;
    const { full, sets: found, lazy } = attributeAddresses(source);
    const candidates = [...found, ...[...full, ...lazy].map((url) => ({ url, width: null, density: 1 }))];
    if (candidates.length === 0) continue;
    ofMedia ??= media;
    if (media === ofMedia) sets.push(...candidates);
  }
  return { candidates: sets, forScreens: ofMedia !== null && ofMedia !== "" };
}
