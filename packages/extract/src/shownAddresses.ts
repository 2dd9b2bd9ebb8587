import type { Element } from "domhandler";
import { imageAddresses, type ImageAddresses } from "./imageAddresses.js";
import { isNoAddress } from "./knownPlaceholder.js";
import { namesImageFile } from "./namesImageFile.js";
import { styleBackground } from "./styleBackground.js";

/** Where the picture that an element shows may lie; null where it shows none. */
export function shownAddresses(
  element: Element,
  imagesIn: (element: Element) => number,
): ImageAddresses | null {
  const { name, attribs } = element;
  if (name === "img" || name === "amp-img") return imageAddresses(element, attribs.src ?? null, imagesIn);
  if (name === "input") {
    const isImage = attribs.type?.trim().toLowerCase() === "image";
    return isImage ? imageAddresses(element, attribs.src ?? null, imagesIn) : null;
  }
  if (name === "image") {
    const shown = attribs.href ?? attribs["xlink:href"];
    return shown === undefined ? null : imageAddresses(element, shown, imagesIn);
  }
  if (name === "video") {
    const posters = Object.entries(attribs).filter(([key]) => key !== "poster" && key.endsWith("poster"));
    const shown = attribs.poster ?? posters[0]?.[1];
    return shown === undefined ? null : { shown, better: [], instead: posters.map(([, value]) => value) };
  }
  const only = name === "object" || name === "embed" ? embedded(element) : backgroundOf(element);
  return only === null ? null : { shown: only, better: [], instead: [] };
}

/**
 * The address to take, as written: something better than what is shown at first, else that, else what stands in for a
 * placeholder. Where none can be told the placeholder itself, for whoever counts it.
 */
export function chosenAddress(
  { shown, better, instead }: ImageAddresses,
  isPlaceholder: (address: string) => boolean,
): string | null {
  const candidates = [...better, ...(shown === null ? [] : [shown]), ...instead];
  return candidates.find((address) => !isNoAddress(address.trim()) && !isPlaceholder(address)) ?? shown;
}

function embedded({ attribs }: Element): string | null {
  const address = attribs.data ?? attribs.src;
  if (address === undefined) return null;
  const type = attribs.type?.trim().toLowerCase() ?? "";
  if (type.startsWith("image/")) return address;
  return type === "" && URL.canParse(address, "http://x/") && namesImageFile(new URL(address, "http://x/"))
    ? address
    : null;
}

/** The first picture of an inline background, where the element says what it shows. */
export function backgroundOf({ attribs }: Element): string | null {
  if ((attribs["aria-label"] ?? attribs["aria-labelledby"] ?? attribs.title) === undefined) return null;
  const written = [styleBackground(attribs.style), attribs["data-bg"], attribs["data-background-image"]];
  const present = written.filter((address) => address != null);
  return present.find((address) => !isNoAddress(address)) ?? present[0] ?? null;
}
