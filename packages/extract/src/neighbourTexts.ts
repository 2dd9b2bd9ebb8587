import { isTag, isText, type AnyNode, type Element } from "domhandler";
import { elementText, isInline } from "./elementText.js";

const captionClass =
  /(^|[\s_-])(caption|thumbcaption|gallerytext|legend|image-?title|photo-?(text|info))($|[\s_-])|caption-text|captiontext/i;

/** Containers beyond which a text is no longer about one image. */
const limits = new Set(["body", "html", "main", "table", "tbody", "thead", "tfoot"]);

/** A block longer than this is prose, not a caption. */
const maxCaptionCharacters = 400;

/**
 * Texts beside an image that read as its caption: an element whose class says so in the image's containers, the text
 * of the image's own block, the block directly after it, or the one before; in tables the cell, then the cell below,
 * then the next one.
 *
 * @param imagesIn how many images an element holds
 */
export function neighbourTexts(image: Element, imagesIn: (element: Element) => number): string[] {
  const texts: string[] = [];
  let branch: Element = image;
  for (let steps = 0; steps < 6; steps++) {
    const parent = branch.parent;
    if (parent === null || !isTag(parent)) break;
    const caption = captionBeside(branch, parent, imagesIn(parent) <= Math.max(1, imagesIn(branch)));
    if (caption !== "") return [caption];
    if (isInline(parent)) {
      branch = parent;
      continue;
    }
    if (texts.length === 0) {
      const found = blockText(branch, parent, imagesIn);
      if (found !== "") texts.push(found);
    }
    if (limits.has(parent.name)) break;
    // What holds several images has no caption for one of them further out.
    if (imagesIn(parent) > Math.max(1, imagesIn(branch))) break;
    branch = parent;
  }
  return texts;
}

/** An element among the branch's siblings that is a caption by its class; with other images about, only an adjacent one. */
function captionBeside(branch: Element, parent: Element, alone: boolean): string {
  const adoc = /\bimageblock\b/.test(parent.attribs.class ?? "");
  const reach = alone ? 5 : 1;
  for (const direction of ["next", "prev"] as const) {
    let at: Element | null = branch;
    for (let steps = 0; steps < reach; steps++) {
      at = sibling(at, direction);
      if (at === null) break;
      const name = at.attribs.class ?? "";
      if (captionClass.test(name) || (adoc && /\btitle\b/.test(name)) || at.name === "figcaption") {
        const text = elementText(at);
        if (text !== "") return text;
      }
    }
  }
  return "";
}

/** The text of the block around the image, or of the block beside it. */
function blockText(branch: Element, parent: Element, imagesIn: (element: Element) => number): string {
  if (parent.name === "td" || parent.name === "th") return cellText(parent, branch, imagesIn);
  const shared = imagesIn(parent) > Math.max(1, imagesIn(branch));
  if (limits.has(parent.name) || shared) return besideText(branch, imagesIn);
  const own = inlineText(branch);
  if (own !== "") return own;
  return besideText(branch, imagesIn);
}

/** The run of inline text that the image stands in: up to the nearest block on either side. */
function inlineText(branch: Element): string {
  let text = "";
  for (const direction of ["prev", "next"] as const) {
    let node: AnyNode | null = branch[direction];
    for (let steps = 0; node !== null && isInline(node) && steps < 50; steps++, node = node[direction]) {
      const part = isText(node) || isTag(node) ? elementText(node, 2 * maxCaptionCharacters) : "";
      text = direction === "prev" ? `${part} ${text}` : `${text} ${part}`;
    }
  }
  return asCaption(text);
}

/** The block directly after, else the one directly before: a paragraph's worth, without images of its own. */
function besideText(branch: Element, imagesIn: (element: Element) => number): string {
  for (const direction of ["next", "prev"] as const) {
    const text = inlineRun(branch, direction);
    if (text !== "") return text;
    const block = sibling(branch, direction);
    if (block === null || !captionLike.has(block.name) || imagesIn(block) > 0) continue;
    const caption = asCaption(elementText(block, 2 * maxCaptionCharacters));
    if (caption !== "") return caption;
  }
  return "";
}

/** Bare text that touches the branch on one side. */
function inlineRun(branch: Element, direction: "next" | "prev"): string {
  const node = branch[direction];
  if (node === null || !isText(node)) return "";
  return asCaption(elementText(node, 2 * maxCaptionCharacters));
}

const captionLike = new Set(
  "p div span small em i b strong center h1 h2 h3 h4 h5 h6 dt dd li figcaption cite".split(" "),
);

function cellText(cell: Element, branch: Element, imagesIn: (element: Element) => number): string {
  if (imagesIn(cell) <= Math.max(1, imagesIn(branch))) {
    const own = asCaption(elementText(cell, 2 * maxCaptionCharacters));
    if (own !== "") return own;
  }
  const row = cell.parent;
  if (row === null || !isTag(row) || row.name !== "tr") return "";
  const below = sibling(row, "next");
  if (below !== null && imagesIn(below) === 0) {
    let index = 0;
    for (let at = sibling(cell, "prev"); at !== null && index < 200; at = sibling(at, "prev")) index++;
    const under = below.children.filter((node): node is Element => isTag(node))[index];
    const cells = row.children.filter((node) => isTag(node)).length;
    const same = below.children.filter((node) => isTag(node)).length === cells;
    const text = same && under !== undefined ? asCaption(elementText(under, 2 * maxCaptionCharacters)) : "";
    if (text !== "" && imagesIn(row) > 1) return text;
    if (text !== "" && cells === 1) return text;
  }
  for (const direction of ["next", "prev"] as const) {
    const beside = sibling(cell, direction);
    if (beside === null || imagesIn(beside) > 0) continue;
    const text = asCaption(elementText(beside, 2 * maxCaptionCharacters));
    if (text !== "") return text;
  }
  return "";
}

/** The nearest sibling element in a direction; null where text stands between. */
function sibling(element: Element, direction: "next" | "prev"): Element | null {
  let node: AnyNode | null = element[direction];
  for (let steps = 0; node !== null && steps < 50; steps++, node = node[direction]) {
    if (isTag(node)) {
      if (node.name === "br" || node.name === "hr" || node.name === "noscript" || node.name === "script")
        continue;
      return node;
    }
    if (isText(node) && node.data.trim() !== "") return null;
  }
  return null;
}

function asCaption(text: string): string {
  const clean = text.replace(/\s+/g, " ").trim();
  return clean.length <= maxCaptionCharacters && /\p{L}/u.test(clean) ? clean : "";
}
