/** JSON as Python's `json.dumps` writes it: NaN, Infinity and −Infinity stand for null here, and a BOM is passed over. */
const constant = /-?(?:NaN|Infinity)/y;

/**
 * Reads JSON, Python's included. What is JSON is read by `JSON.parse` alone.
 *
 * @throws SyntaxError where it is neither
 */
export function parsePythonJson(text: string): unknown {
  const bare = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    return JSON.parse(bare) as unknown;
  } catch (error) {
    const mended = withoutConstants(bare);
    if (mended === bare) throw error;
    return JSON.parse(mended) as unknown;
  }
}

/** The text with `null` for every constant outside its strings. */
function withoutConstants(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
    } else if (character === "N" || character === "I" || character === "-") {
      constant.lastIndex = at;
      const found = constant.exec(text);
      if (found === null) continue;
      parts.push(text.slice(from, at), "null");
      from = at + found[0].length;
      at = from - 1;
    }
  }
  return from === 0 ? text : parts.join("") + text.slice(from);
}

/** Where the string that begins at `at` has its closing quotation mark; the text's end where it has none. */
function endOfString(text: string, at: number): number {
  for (at++; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}
