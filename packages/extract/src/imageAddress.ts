import { isTag, type Element } from "domhandler";
import { ancestor } from "./elementText.js";
import { largestOf, parseSrcset, type SrcsetCandidate } from "./srcset.js";

/** Where lazy loaders keep the picture's address, the largest first. */
const lazyAttributes = [
  "data-orig-file",
  "data-large-file",
  "data-full-src",
  "data-full",
  "data-large_image",
  "data-zoom-image",
  "data-hi-res-src",
  "data-highres",
  "data-src",
  "data-original",
  "data-lazy-src",
  "data-lazy",
  "data-lazyload",
  "data-echo",
  "data-image",
  "data-img-src",
  "data-url",
  "data-actualsrc",
];
const srcsetAttributes = ["srcset", "data-srcset", "data-lazy-srcset", "data-original-set", "imagesrcset"];

/** Types a picture's source may have that we can read. */
const readable = /^image\/(jpeg|jpg|png|webp|avif|gif|apng|bmp|tiff|svg\+xml)$/;

const imageExtension = /\.(jpe?g|jfif|png|webp|avif|gif|bmp|tiff?|svg)$/i;

/** True where a URL's path ends as a picture's file does (and isn't a wiki's page about it). */
export function namesImageFile(url: URL): boolean {
  if (!imageExtension.test(url.pathname)) return false;
  const file = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  return !/^(\p{L}+)(:|%3A)/iu.test(decodeLoosely(file)) && !/\/(wiki|blob)\//.test(url.pathname);
}

function decodeLoosely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The address of the picture an `img` stands for, as written: the largest of its srcset and of its picture's sources,
 * else what a lazy loader would load, else src; null where it has none.
 */
export function imageAddress(img: Element): string | null {
  const sets: SrcsetCandidate[] = srcsetsOf(img);
  const picture = ancestor(img, 3, ({ name }) => name === "picture");
  for (const source of picture?.children ?? []) {
    if (!isTag(source) || source.name !== "source") continue;
    const type = source.attribs.type?.trim().toLowerCase();
    if (type === undefined || type === "" || readable.test(type)) sets.push(...srcsetsOf(source));
  }
  const lazy = lazyAttributes
    .map((name) => img.attribs[name]?.trim())
    .find((value) => value !== undefined && looksLikeAddress(value));
  return largestOf(sets) ?? lazy ?? img.attribs.src?.trim() ?? null;
}

function srcsetsOf(element: Element): SrcsetCandidate[] {
  return srcsetAttributes.flatMap((name) => parseSrcset(element.attribs[name] ?? ""));
}

function looksLikeAddress(value: string): boolean {
  return value !== "" && !/[\s{}<>]/.test(value) && !value.startsWith("data:") && /[./]/.test(value);
}

/** True for images that are there to be requested, not seen: a pixel or two by their attributes or style. */
export function isTrackingPixel(element: Element): boolean {
  const width = pixels(element, "width");
  const height = pixels(element, "height");
  if (width === null && height === null) return false;
  return (width ?? 1000) <= 1 || (height ?? 1000) <= 1 || ((width ?? 1000) <= 2 && (height ?? 1000) <= 2);
}

function pixels(element: Element, side: "width" | "height"): number | null {
  const attribute = /^\s*(\d+(?:\.\d+)?)\s*(px)?\s*$/i.exec(element.attribs[side] ?? "")?.[1];
  const style = new RegExp(`(?:^|[;\\s])${side}\\s*:\\s*(\\d+(?:\\.\\d+)?)px`, "i").exec(
    element.attribs.style ?? "",
  )?.[1];
  const value = attribute ?? style;
  return value === undefined ? null : Number(value);
}
