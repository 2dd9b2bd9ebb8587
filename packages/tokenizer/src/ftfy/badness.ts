import { categories as c } from "./mojibakeCategories.js";

/** Python's `\s` and `\w` on text. */
const space = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const word = "[\\p{L}\\p{N}_]";

const accented = c.lowerAccented + c.upperAccented;
const arabicSecond = `[${c.common}${c.currency}${c.bad}${c.numeric}${c.startPunctuation}ŸŠ®°µ»]`;

/** Neighbours that are far likelier in UTF-8 read as another encoding than in text that someone wrote. */
const unlikely = [
  `[${c.c1}]`,
  `[${c.bad}${accented}${c.box}${c.startPunctuation}${c.endPunctuation}${c.currency}${c.numeric}${c.law}][${c.bad}]`,
  `[a-zA-Z][${c.lowerCommon}${c.upperCommon}][${c.bad}]`,
  `[${c.bad}][${accented}${c.box}${c.startPunctuation}${c.endPunctuation}${c.currency}${c.numeric}${c.law}]`,
  `[${c.lowerAccented}${c.lowerCommon}${c.box}${c.endPunctuation}${c.currency}${c.numeric}][${c.upperAccented}]`,
  `[${c.box}${c.endPunctuation}${c.currency}${c.numeric}][${c.lowerAccented}]`,
  `[${c.lowerAccented}${c.box}${c.endPunctuation}][${c.currency}]`,
  `${space}[${c.upperAccented}][${c.currency}]`,
  `[${c.upperAccented}${c.box}][${c.numeric}${c.law}]`,
  `[${accented}${c.box}${c.currency}${c.endPunctuation}][${c.startPunctuation}][${c.numeric}]`,
  `[${accented}${c.currency}${c.numeric}${c.box}${c.law}][${c.endPunctuation}][${c.startPunctuation}]`,
  `[${c.currency}${c.numeric}${c.box}][${c.startPunctuation}]`,
  `[a-z][${c.upperAccented}][${c.startPunctuation}${c.currency}]`,
  `[${c.box}][${c.kaomoji}]`,
  `[${accented}${c.currency}${c.numeric}${c.startPunctuation}${c.endPunctuation}${c.law}][${c.box}]`,
  `[${c.box}][${c.endPunctuation}]`,
  `[${accented}][${c.startPunctuation}${c.endPunctuation}]${word}`,
  // œ before anything but a plain letter
  "[Œœ][^A-Za-z]",
  // a degree sign after a capital
  `[${c.upperAccented}]°`,
  // two characters by Windows-1252
  `[ÂÃÎÐ][€œŠš¢£Ÿž\\xa0\\xad®©°·»${c.startPunctuation}${c.endPunctuation}–—´]`,
  "×[²³]",
  // Arabic by Windows-1252: common characters count, so four of them are wanted
  `[ØÙ]${arabicSecond}[ØÙ]${arabicSecond}`,
  // scripts of South Asia by Windows-1252
  "à[²µ¹¼½¾]",
  // MacRoman
  "√[±∂†≠®™´≤≥¥µø]",
  "≈[°¢]",
  "‚Ä[ìîïòôúùû†°¢π]",
  "‚[âó][àä°ê]",
  // Windows-1251: U+2000 and above; Latin-1 and Cyrillic; a double mistake beside a Latin letter
  "вЂ",
  `[ВГРС][${c.c1}${c.bad}${c.startPunctuation}${c.endPunctuation}${c.currency}°µ][ВГРС]`,
  "ГўВЂВ[^\\n][A-Za-z ]",
  // à, á and the no-break space by Windows-1252
  "Ã[\\xa0¡]",
  `[a-z]${space}?[ÃÂ] `,
  "^[ÃÂ] ",
  // Â before a character that is itself
  `[a-z.,?!${c.endPunctuation}]Â[ ${c.startPunctuation}${c.endPunctuation}]`,
  // Windows-1253
  "β€[™\\xa0Ά\\xad®°]",
  `[ΒΓΞΟ][${c.c1}${c.bad}${c.startPunctuation}${c.endPunctuation}${c.currency}°][ΒΓΞΟ]`,
  // Windows-1257
  "ā€",
];

const pattern = new RegExp(unlikely.join("|"), "u");

/** True if a text looks like UTF-8 that was read as something else. The rules are ftfy 6.3's. */
export function looksLikeMojibake(text: string): boolean {
  return pattern.test(text);
}
