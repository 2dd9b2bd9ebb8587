import { readFileSync } from "node:fs";

/** HTML's named character references, as "amp;" → "&"; some also without the semicolon. */
let named: ReadonlyMap<string, string> | undefined;
function namedReferences(): ReadonlyMap<string, string> {
  named ??= new Map(
    Object.entries(
      JSON.parse(readFileSync(new URL("../data/html5_entities.json", import.meta.url), "utf8")) as Record<
        string,
        string
      >,
    ),
  );
  return named;
}

/** What Windows-1252 has at 0x80 to 0x9F: references to these numbers mean its characters. */
const windows1252 = "€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090\u2018\u2019\u201c\u201d•–—˜™š›œ\u009džŸ";

/** The character of a numeric reference, by HTML's rules: "" for those that must not be. */
function numberedReference(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return "\ufffd";
  if (code === 0x0d) return "\r";
  if (code >= 0x80 && code <= 0x9f) return windows1252[code - 0x80]!;
  const control = code < 0x20 && ![0x09, 0x0a, 0x0c].includes(code);
  if (control || code === 0x7f || (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe) return "";
  return String.fromCodePoint(code);
}

/** Resolves character references as browsers do in text, with or without semicolon: Python's `html.unescape`. */
export function unescapeHtml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)/gu, (_, body: string) => {
    if (body.startsWith("#")) {
      const hexadecimal = body[1] === "x" || body[1] === "X";
      const digits = body.slice(hexadecimal ? 2 : 1).replace(";", "");
      return numberedReference(parseInt(digits, hexadecimal ? 16 : 10));
    }
    const references = namedReferences();
    const whole = references.get(body);
    if (whole !== undefined) return whole;
    const characters = [...body];
    for (let length = characters.length - 1; length > 1; length--) {
      const start = characters.slice(0, length).join("");
      const found = references.get(start);
      if (found !== undefined) return found + body.slice(start.length);
    }
    return `&${body}`;
  });
}

/** References that end in a semicolon, those in capitals that can only mean one thing included ("&EACUTE;"). */
let clear: ReadonlyMap<string, string> | undefined;
function clearReferences(): ReadonlyMap<string, string> {
  if (clear !== undefined) return clear;
  const references = new Map<string, string>();
  for (const [name, character] of namedReferences()) {
    if (!name.endsWith(";")) continue;
    references.set(`&${name}`, character);
    const capitals = `&${name.toUpperCase()}`;
    if (name === name.toLowerCase() && unescapeHtml(capitals) === capitals) {
      references.set(capitals, character.toUpperCase());
    }
  }
  clear = references;
  return references;
}

/** Resolves only references that can't be meant otherwise: ftfy's `unescape_html`. */
export function unescapeClearHtml(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, (found) => {
    const character = clearReferences().get(found);
    if (character !== undefined) return character;
    if (!found.startsWith("&#")) return found;
    const resolved = unescapeHtml(found);
    return resolved.includes(";") ? found : resolved;
  });
}
