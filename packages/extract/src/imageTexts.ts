import type { DescribedText } from "@pairloom/config";
import { isTag, type Element } from "domhandler";
import { ancestor, cleanText, elementText } from "./elementText.js";
import { neighbourTexts } from "./neighbourTexts.js";

export interface TextContext {
  byId: ReadonlyMap<string, Element>;
  imagesIn: (element: Element) => number;
}

/** Every text on the page that describes an image element. */
export function imageTexts(image: Element, { byId, imagesIn }: TextContext): DescribedText[] {
  const texts: DescribedText[] = [];
  const add = (kind: DescribedText["kind"], text: string | undefined): void => {
    const clean = cleanText(text ?? "");
    if (clean !== "") texts.push({ kind, text: clean });
  };
  const { attribs } = image;
  add("alt", attribs.alt);
  if (image.name === "object") add("alt", elementText(image));
  for (const caption of figureCaptions(image)) add("figcaption", caption);
  add("title", attribs.title);
  add("aria", attribs["aria-label"]);
  for (const name of ["aria-labelledby", "aria-describedby"]) {
    const ids = (attribs[name] ?? "").split(/\s+/).slice(0, 8);
    add("aria", ids.map((id) => textOf(byId.get(id))).join(" "));
  }
  for (const name of ["data-caption", "data-image-caption", "data-image-title", "data-image-description"]) {
    add("figcaption", withoutTags(attribs[name] ?? ""));
  }
  const link = ancestor(image, 4, ({ name }) => name === "a");
  if (link !== null) {
    add("anchor", elementText(link));
    add("anchor", link.attribs.title);
    add("aria", link.attribs["aria-label"]);
  }
  for (const text of neighbourTexts(image, imagesIn)) add("neighbour", text);
  return texts;
}

/** The captions of the figures around an image, the innermost first. */
function figureCaptions(image: Element): string[] {
  const captions: string[] = [];
  let figure = ancestor(image, 8, ({ name }) => name === "figure");
  for (let depth = 0; figure !== null && depth < 2; depth++) {
    const caption = captionOf(figure);
    if (caption !== null) captions.push(elementText(caption));
    figure = ancestor(figure, 4, ({ name }) => name === "figure");
  }
  return captions;
}

/** A figure's figcaption: its child, or one level further in. */
function captionOf(figure: Element): Element | null {
  const children = figure.children.slice(0, 100).filter((node): node is Element => isTag(node));
  const direct = children.find(({ name }) => name === "figcaption");
  if (direct !== undefined) return direct;
  for (const child of children) {
    if (child.name === "figure") continue;
    const inner = child.children.slice(0, 100).find((node) => isTag(node) && node.name === "figcaption");
    if (inner !== undefined && isTag(inner)) return inner;
  }
  return null;
}

function textOf(element: Element | undefined): string {
  return element === undefined ? "" : elementText(element);
}

function withoutTags(text: string): string {
  return text.replace(/<[^>]{0,500}>/g, " ");
}
