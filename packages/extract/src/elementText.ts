import { isTag, isText, type AnyNode, type Element, type ParentNode } from "domhandler";

const silent = new Set([
  "script",
  "style",
  "template",
  "noscript",
  "iframe",
  "select",
  "textarea",
  "svg",
  "math",
]);

/** Elements that stand in a line of text; all others begin a new one. */
const inline = new Set(
  "a abbr acronym b bdi bdo big br cite code data dfn em font i img input ins kbd label mark nobr picture q s samp small source span strike strong sub sup time tt u var wbr".split(
    " ",
  ),
);

export function isInline(node: AnyNode): boolean {
  return !isTag(node) || inline.has(node.name);
}

/** The next node in document order, children first unless `deep` is false; null at the end of `root`. */
export function nextNode(node: AnyNode, root: AnyNode, deep: boolean): AnyNode | null {
  if (deep && "children" in node && node.children[0] !== undefined) return node.children[0];
  for (let at: AnyNode | null = node; at !== null && at !== root; at = at.parent) {
    if (at.next !== null) return at.next;
  }
  return null;
}

/** One line of clean text: entities are decoded already; white space and invisible characters collapse. */
export function cleanText(raw: string, maxCharacters = 4000): string {
  const text = raw
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]/g, "")

    .replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ")
    .trim();
  return text
    .slice(0, maxCharacters)
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .trim();
}

/**
 * The visible text below a node, as one line. Stops after `maxCharacters` or `maxNodes`, so that a hostile page can't
 * make it expensive.
 */
export function elementText(root: AnyNode, maxCharacters = 2000, maxNodes = 2000): string {
  let text = "";
  let nodes = 0;
  let node: AnyNode | null = root;
  while (node !== null && text.length < maxCharacters && nodes++ < maxNodes) {
    let deep = true;
    if (isText(node)) text += node.data;
    else if (isTag(node)) {
      if (silent.has(node.name) && node !== root) deep = false;
      else if (node.name === "br" || !inline.has(node.name)) text += " ";
    }
    const next: AnyNode | null = nextNode(node, root, deep);
    // A block that ends parts words as one that begins does.
    if (next !== null && !isInline(node) && next.parent !== (node as ParentNode)) text += " ";
    node = next;
  }
  return cleanText(text, maxCharacters);
}

/** The nearest ancestor for which `wanted` holds, at most `maxSteps` up. */
export function ancestor(
  node: AnyNode,
  maxSteps: number,
  wanted: (element: Element) => boolean,
): Element | null {
  let at: ParentNode | null = node.parent;
  for (let steps = 0; at !== null && steps < maxSteps; steps++, at = at.parent) {
    if (isTag(at) && wanted(at)) return at;
  }
  return null;
}
