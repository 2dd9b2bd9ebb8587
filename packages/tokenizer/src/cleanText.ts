import { fixText } from "./ftfy/fixText.js";
import { unescapeHtml } from "./htmlEntities.js";

const spaces = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const edges = /^ | $/g;

/** Printable ASCII with single spaces, no capitals and nothing to repair: the text as it is. */
const clean = /^(?:[!-%'-@[-~]+(?: [!-%'-@[-~]+)*)?$/;

/** What CLIP's tokenizer does to a text first: ftfy's repair, HTML unescaped twice, single spaces, lower case. */
export function cleanText(text: string): string {
  if (clean.test(text)) return text;
  const repaired = unescapeHtml(unescapeHtml(fixText(text)));
  return repaired.replace(spaces, " ").replace(edges, "").toLowerCase();
}
