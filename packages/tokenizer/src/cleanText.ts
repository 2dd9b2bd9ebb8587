import { fixText } from "./ftfy/fixText.js";
import { unescapeHtml } from "./htmlEntities.js";

const spaces = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const edges = /^ | $/g;

/** Printable ASCII without an ampersand: nothing but spaces and capitals can be there to change. */
const plain = /^[ -%'-~]*$/;
/** What is left to change in such text: capitals, spaces at an edge, spaces side by side. */
const untidy = /[A-Z]|^ | $| {2}/;

/** What CLIP's tokenizer does to a text first: ftfy's repair, HTML unescaped twice, single spaces, lower case. */
export function cleanText(text: string): string {
  if (plain.test(text)) {
    return untidy.test(text) ? text.replace(/ {2,}/g, " ").replace(edges, "").toLowerCase() : text;
  }
  const repaired = unescapeHtml(unescapeHtml(fixText(text)));
  return repaired.replace(spaces, " ").replace(edges, "").toLowerCase();
}
