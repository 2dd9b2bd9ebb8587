import type { Element } from "domhandler";
import { imageAddress, namesImageFile } from "./imageAddress.js";

/** The address that an element shows a picture from, as written; null where it shows none. */
export function shownAddress(element: Element): string | null {
  const { name, attribs } = element;
  if (name === "img" || name === "amp-img") return imageAddress(element) ?? "";
  if (name === "input") return attribs.type?.trim().toLowerCase() === "image" ? (attribs.src ?? "") : null;
  if (name === "image") return attribs.href ?? attribs["xlink:href"] ?? null;
  if (name === "video") return attribs.poster ?? null;
  if (name === "object" || name === "embed") {
    const address = attribs.data ?? attribs.src;
    if (address === undefined) return null;
    const type = attribs.type?.trim().toLowerCase() ?? "";
    if (type.startsWith("image/")) return address;
    return type === "" && URL.canParse(address, "http://x/") && namesImageFile(new URL(address, "http://x/"))
      ? address
      : null;
  }
  return backgroundOf(element);
}

/** The first picture of an inline background, where the element says what it shows. */
export function backgroundOf({ attribs }: Element): string | null {
  const style = attribs.style ?? "";
  const described = attribs["aria-label"] ?? attribs["aria-labelledby"] ?? attribs.title;
  if (described === undefined) return null;
  const [, , quoted, bare] =
    /background(?:-image)?\s*:[^;]{0,300}?url\(\s*(?:(["'])(.{0,4000}?)\1|([^)"']{0,4000}))\s*\)/i.exec(
      style,
    ) ?? [];
  const inStyle = quoted ?? bare?.trim();
  return inStyle ?? attribs["data-bg"] ?? attribs["data-background-image"] ?? null;
}
