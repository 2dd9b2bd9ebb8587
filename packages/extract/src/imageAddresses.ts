import { isTag, isText, type AnyNode, type Element } from "domhandler";
import { attributeAddresses } from "./attributeAddresses.js";
import { nextNode } from "./elementText.js";
import { isTrackingPixel } from "./isTrackingPixel.js";
import { pictureSources } from "./pictureSources.js";
import { bySize } from "./srcset.js";
import { styleBackground } from "./styleBackground.js";

/** Where an image element's picture may lie; addresses as written, the best first. */
export interface ImageAddresses {
  /** What it shows before any script runs; null where it shows nothing. */
  shown: string | null;
  /** Larger pictures, and what a lazy loader puts in place of `shown`. */
  better: string[];
  /** What stands in where `shown` is a placeholder. */
  instead: string[];
}

/** Reads an img (or amp-img, input, image): its attributes, its picture's sources, what wraps it, its noscript. */
export function imageAddresses(
  image: Element,
  shown: string | null,
  imagesIn: (element: Element) => number,
): ImageAddresses {
  const own = attributeAddresses(image);
  const sets = bySize(pictureSources(image, own.sets));
  const instead = [...own.other];
  const background = (element: Element): void => {
    const address = styleBackground(element.attribs.style);
    if (address !== null) instead.push(address);
  };
  background(image);
  // What isn't counted among the images may stand beside thousands of its kind, each with the same wrapper.
  if (imagesIn(image) === 0) return addresses();
  const noscript = noscriptImage(image, imagesIn);
  for (const wrapper of wrappers(image, noscript === null ? 1 : 2, imagesIn)) {
    const { full, sets: candidates, lazy, other } = attributeAddresses(wrapper);
    instead.push(...full, ...bySize(candidates), ...lazy, ...other);
    background(wrapper);
  }
  if (noscript !== null) {
    const { full, sets: candidates, lazy } = attributeAddresses(noscript);
    instead.push(...full, ...bySize(candidates), ...lazy, noscript.attribs.src ?? "");
  }
  return addresses();

  function addresses(): ImageAddresses {
    // Loaders show a drawing first, under any name; whoever keeps a photograph beside one means the photograph.
    const photographs = isDrawing(shown) ? own.other.filter((address) => !isDrawing(address)) : [];
    return { shown, better: [...own.full, ...sets, ...own.lazy, ...photographs], instead };
  }
}

function isDrawing(address: string | null): boolean {
  return /\.(gif|svg)\s*([?#]|$)/i.test(address ?? "");
}

/** The elements around an image that hold no other. */
function* wrappers(image: Element, most: number, imagesIn: (element: Element) => number): Generator<Element> {
  let at: AnyNode | null = image.parent;
  for (let level = 0; level < 3 && at !== null && isTag(at); level++, at = at.parent) {
    if (imagesIn(at) > most || ["body", "html", "main", "article", "noscript"].includes(at.name)) return;
    yield at;
  }
}

/** The image that browsers without scripts see in place of this one: alone in a noscript beside it or within it. */
function noscriptImage(image: Element, imagesIn: (element: Element) => number): Element | null {
  let at: Element = image;
  for (let level = 0; level < 3; level++) {
    for (const beside of [...at.children, neighbour(at, "next"), neighbour(at, "prev")]) {
      if (beside === null || !isTag(beside) || beside.name !== "noscript" || imagesIn(beside) !== 1) continue;
      const found = imageWithin(beside);
      if (found !== null && found !== image && !isTrackingPixel(found)) return found;
    }
    // Further out only where nothing else is shown.
    if (at.parent === null || !isTag(at.parent) || imagesIn(at.parent) > 1) return null;
    at = at.parent;
  }
  return null;
}

function neighbour(element: Element, direction: "next" | "prev"): AnyNode | null {
  let node: AnyNode | null = element[direction];
  for (let steps = 0; steps < 5 && node !== null && isText(node) && node.data.trim() === ""; steps++)
    node = node[direction];
  return node;
}

function imageWithin(root: Element): Element | null {
  let node: AnyNode | null = root;
  for (let steps = 0; node !== null && steps < 100; steps++, node = nextNode(node, root, true)) {
    if (isTag(node) && node.name === "img") return node;
  }
  return null;
}
