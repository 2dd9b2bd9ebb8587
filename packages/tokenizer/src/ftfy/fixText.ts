import { unescapeClearHtml } from "../htmlEntities.js";
import { fixC1Controls, fixEncoding } from "./fixEncoding.js";

/** Latin ligatures and digraphs of old encodings. */
const ligatures = new Map(
  Object.entries({
    Ĳ: "IJ",
    ĳ: "ij",
    ŉ: "ʼn",
    Ǳ: "DZ",
    ǲ: "Dz",
    ǳ: "dz",
    Ǆ: "DŽ",
    ǅ: "Dž",
    ǆ: "dž",
    Ǉ: "LJ",
    ǈ: "Lj",
    ǉ: "lj",
    Ǌ: "NJ",
    ǋ: "Nj",
    ǌ: "nj",
    ﬀ: "ff",
    ﬁ: "fi",
    ﬂ: "fl",
    ﬃ: "ffi",
    ﬄ: "ffl",
    ﬅ: "ſt",
    ﬆ: "st",
  }),
);
const ligature = new RegExp(`[${[...ligatures.keys()].join("")}]`, "g");

/** Segments longer than this are fixed in parts, as in ftfy. */
const maxSegment = 1_000_000;

/**
 * Repairs text as ftfy 6.3's `fix_text` does by default: entities, wrong encodings, ligatures, widths, curly quotes, line
 * breaks, lone surrogates, terminal colours, control characters, NFC.
 */
export function fixText(text: string): string {
  if (unchanged.test(text)) return text;
  let unescape = true;
  const fixed: string[] = [];
  for (let at = 0; at < text.length;) {
    const lineBreak = text.indexOf("\n", at) + 1;
    const end = Math.min(lineBreak === 0 ? text.length : lineBreak, at + maxSegment);
    const segment = text.slice(at, end);
    // a literal "<" says that this is HTML, whose entities are meant
    if (segment.includes("<")) unescape = false;
    fixed.push(fixSegment(segment, unescape));
    at = end;
  }
  return fixed.join("");
}

/** Most captions: printable ASCII without an ampersand, which no step touches. */
const unchanged = /^[\t\n\x0c\x20-\x25\x27-\x7e]*$/;

function fixSegment(text: string, unescape: boolean): string {
  for (;;) {
    const before = text;
    if (unescape) text = unescapeClearHtml(text);
    text = fixEncoding(text);
    if (odd.test(text)) text = fixCharacters(text);
    text = text.normalize("NFC");
    if (text === before) return text;
  }
}

/** Any character that `fixCharacters` has something to do for. */
const odd = new RegExp(
  `[\\x00-\\x08\\x0b\\x0d-\\x1f\\x7f-\\x9f\\u02bc\\u2018-\\u201f\\u2028\\u2029\\u206a-\\u206f\\u3000\\ud800-\\udfff` +
    `\\ufeff\\uff01-\\uffef\\ufff9-\\ufffc${[...ligatures.keys()].join("")}]`,
);

function fixCharacters(text: string): string {
  return fixC1Controls(text)
    .replace(ligature, (found) => ligatures.get(found)!)
    .replace(/[\u3000\uff01-\uffef]/g, (wide) => (wide === "\u3000" ? " " : wide.normalize("NFKC")))
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/\r\n|[\r\u2028\u2029\x85]/g, "\n")
    .replace(/[\ud800-\udfff]/gu, "\ufffd")
    .replace(/\x1b\[[\p{Nd};]*[a-zA-Z]/gu, "")
    .replace(/[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, "");
}
