import { isTag, type AnyNode, type Document, type Element } from "domhandler";
import { ancestor, nextNode } from "./elementText.js";
import type { MetaEntry } from "./headImages.js";
import { backgroundOf } from "./shownAddresses.js";

/** The parts of a page that are looked at. */
export interface Page {
  html: Element | null;
  baseHref: string | null;
  /** Addresses by rel=canonical in the head. */
  canonicals: string[];
  title: Element | null;
  meta: MetaEntry[];
  jsonLd: Element[];
  byId: Map<string, Element>;
  /** Elements that show, link to or frame something, in document order. */
  elements: Element[];
  /** How many images the elements around images hold, some levels up. */
  imageCounts: Map<Element, number>;
}

const shown = new Set([
  "img",
  "a",
  "area",
  "iframe",
  "frame",
  "input",
  "object",
  "embed",
  "image",
  "video",
  "amp-img",
]);
const countedLevels = 8;

/** One walk over the tree. */
export function readPage(document: Document): Page {
  const page: Page = {
    html: null,
    baseHref: null,
    canonicals: [],
    title: null,
    meta: [],
    jsonLd: [],
    byId: new Map(),
    elements: [],
    imageCounts: new Map(),
  };
  let node: AnyNode | null = document;
  while (node !== null) {
    let deep = true;
    if (isTag(node)) {
      deep = node.name !== "template";
      if (node.attribs.id !== undefined && !page.byId.has(node.attribs.id))
        page.byId.set(node.attribs.id, node);
      visit(node, page);
    }
    node = nextNode(node, document, deep);
  }
  return page;
}

function visit(element: Element, page: Page): void {
  const { name, attribs } = element;
  if (name === "html") page.html ??= element;
  else if (name === "base") {
    if (page.baseHref === null && attribs.href !== undefined && !isForeign(element))
      page.baseHref = attribs.href;
  } else if (name === "title") {
    if (element.parent === null || !isTag(element.parent) || element.parent.name !== "svg")
      page.title ??= element;
  } else if (name === "meta") {
    const key = attribs.property ?? attribs.name ?? attribs["http-equiv"];
    const entry = key ?? (attribs.itemprop === undefined ? undefined : `itemprop:${attribs.itemprop}`);
    if (entry !== undefined && attribs.content !== undefined) {
      page.meta.push({ name: entry.trim().toLowerCase(), content: attribs.content });
    }
  } else if (name === "script") {
    if (/^\s*application\/ld\+json/i.test(attribs.type ?? "")) page.jsonLd.push(element);
  } else if (name === "link") {
    if (/(^|\s)canonical(\s|$)/i.test(attribs.rel ?? "") && attribs.href !== undefined && !isInBody(element))
      page.canonicals.push(attribs.href);
    if (/(^|\s)license(\s|$)/i.test(attribs.rel ?? "")) page.elements.push(element);
  } else if (shown.has(name) || backgroundOf(element) !== null) {
    page.elements.push(element);
    if (name === "img" || name === "image" || name === "amp-img") countImage(element, page.imageCounts);
  }
}

/** Not an element of the page that browsers show: within an svg it is another one, within noscript it is text. */
function isForeign(element: Element): boolean {
  return ancestor(element, 8, ({ name }) => ["svg", "math", "noscript"].includes(name)) !== null;
}

/** What stands in the body may be a visitor's words. */
function isInBody(element: Element): boolean {
  return ancestor(element, 512, ({ name }) => name === "body") !== null;
}

function countImage(image: Element, counts: Map<Element, number>): void {
  let at: Element | Document | null = image;
  for (let level = 0; at !== null && isTag(at) && level < countedLevels; level++) {
    counts.set(at, (counts.get(at) ?? 0) + 1);
    at = at.parent as Element | Document | null;
  }
}
