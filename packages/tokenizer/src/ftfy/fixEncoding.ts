import { looksLikeMojibake } from "./badness.js";
import { codepages, sloppyWindows1252 } from "./codepages.js";
import { clues } from "./mojibakeCategories.js";
import { decodeUtf8, decodeUtf8Variants } from "./utf8Variants.js";

const ascii = /^[\x00-\x7f]*$/;

/** "Ã" and a space, as a word of its own: "à" of which the no-break space was merged with the space after it. */
const aGrave = /\xc3 (?! |quele|quela|quilo|s )/g;

/** UTF-8 in which a plain space stands for byte A0. */
const alteredUtf8 = new RegExp(
  "[\\xc2\\xc3\\xc5\\xce\\xd0\\xd9] " +
    "|[\\xe2\\xe3] [\\x80-\\x84\\x86-\\x9f\\xa1-\\xbf]" +
    "|[\\xe0-\\xe3][\\x80-\\x84\\x86-\\x9f\\xa1-\\xbf] " +
    "|\\xf0 [\\x80-\\xbf][\\x80-\\xbf]" +
    "|\\xf0[\\x80-\\xbf] [\\x80-\\xbf]" +
    "|\\xf0[\\x80-\\xbf][\\x80-\\xbf] ",
  "g",
);

/** UTF-8 in which a byte was lost: 1A stands for U+FFFD, and one byte of a sequence may have become "?". */
const lossyUtf8 = new RegExp(
  "[\\xc2-\\xdf]\\x1a" +
    "|[\\xc2-\\xc3]\\?" +
    "|\\xed[\\xa0-\\xaf][\\x1a?]\\xed[\\xb0-\\xbf][\\x1a?\\x80-\\xbf]" +
    "|\\xed[\\xa0-\\xaf][\\x1a?\\x80-\\xbf]\\xed[\\xb0-\\xbf][\\x1a?]" +
    "|[\\xe0-\\xef][\\x1a?][\\x1a\\x80-\\xbf]" +
    "|[\\xe0-\\xef][\\x1a\\x80-\\xbf][\\x1a?]" +
    "|[\\xf0-\\xf4][\\x1a?][\\x1a\\x80-\\xbf][\\x1a\\x80-\\xbf]" +
    "|[\\xf0-\\xf4][\\x1a\\x80-\\xbf][\\x1a?][\\x1a\\x80-\\xbf]" +
    "|[\\xf0-\\xf4][\\x1a\\x80-\\xbf][\\x1a\\x80-\\xbf][\\x1a?]" +
    "|\\x1a",
  "g",
);
const replacementBytes = "\xef\xbf\xbd";

/** Stretches that look like UTF-8 in an encoding akin to Latin-1, within other text. */
const embeddedUtf8 = new RegExp(
  `(?<![${clues.strictContinuation}])(?:[${clues.firstOfTwo}][${clues.continuation}]` +
    `|[${clues.firstOfThree}][${clues.continuation}]{2}` +
    `|[${clues.firstOfFour}][${clues.continuation}]{3})+`,
  "g",
);

const c1Control = /[\x80-\x9f]/;
const unassignedIn1252 = /[\x81\x8d\x8f\x90\x9d]/;

/** Undoes readings in the wrong encoding, one after the other, until none is left that looks like one. */
export function fixEncoding(text: string): string {
  for (;;) {
    const fixed = fixOnce(text);
    if (fixed === text) return text;
    text = fixed;
  }
}

function fixOnce(text: string): string {
  if (ascii.test(text) || !looksLikeMojibake(text)) return text;

  let fitsLatin1 = false;
  for (const codepage of codepages) {
    const encoded = codepage.encode(text);
    if (encoded === null) continue;
    if (codepage.name === "latin-1") fitsLatin1 = true;
    let bytes = encoded;
    // not for MacRoman, where it would take an en dash before a space
    if (codepage.name !== "macroman" && bytes.search(alteredUtf8) >= 0) bytes = restoreNoBreakSpaces(bytes);
    if (codepage.sloppy) bytes = bytes.replace(lossyUtf8, replacementBytes);
    const fixed = /[\xed\xc0]/.test(bytes) ? decodeUtf8Variants(bytes) : decodeUtf8(bytes);
    if (fixed !== null) return fixed;
  }

  const repaired = text.replace(embeddedUtf8, (part) =>
    // shorter than the whole, so that this ends
    part.length < text.length && looksLikeMojibake(part) ? fixEncoding(part) : part,
  );
  if (repaired !== text) return repaired;

  if (fitsLatin1 && !unassignedIn1252.test(text)) {
    const read = fixC1Controls(text);
    if (read !== text) return read;
  }
  return c1Control.test(text) ? fixC1Controls(text) : text;
}

function restoreNoBreakSpaces(bytes: string): string {
  const words = bytes.replace(aGrave, "\xc3\xa0 ");
  return words.replace(alteredUtf8, (found) => found.replaceAll(" ", "\xa0"));
}

/** C1 control characters as Windows-1252 has them, which is what browsers do. */
export function fixC1Controls(text: string): string {
  return text.replace(/[\x80-\x9f]/g, (control) => sloppyWindows1252.character(control.charCodeAt(0)));
}
