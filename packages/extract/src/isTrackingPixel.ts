import type { Element } from "domhandler";

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
