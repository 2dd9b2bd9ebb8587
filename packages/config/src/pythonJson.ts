export interface PythonJsonOptions {
  /** "bigint" keeps every digit of whole numbers that a JavaScript number can't hold; "number" rounds them. */
  integers?: "number" | "bigint";
}

const longDigits = /\d{16}/;
/** A constant of Python's, or a number. */
const token = /-?(?:NaN|Infinity)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wholeNumber = /^-?(?:0|[1-9]\d*)$/;

/**
 * Reads JSON as Python's `json` writes it: NaN, Infinity and -Infinity are null, a byte order mark is passed over. What is
 * JSON is read by `JSON.parse` alone.
 *
 * @throws SyntaxError where it is neither
 */
export function parsePythonJson(text: string, { integers = "number" }: PythonJsonOptions = {}): unknown {
  const bare = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  if (integers === "bigint" && longDigits.test(bare)) return parseExactly(bare);
  try {
    return JSON.parse(bare) as unknown;
  } catch (error) {
    const mended = withTokens(bare, constantAsNull);
    if (mended === bare) throw error;
    return JSON.parse(mended) as unknown;
  }
}

/** Whole numbers that a JavaScript number can't hold go through the parser as marked strings. */
function parseExactly(text: string): unknown {
  const mark = markFor(text);
  const plain = withTokens(text, (found) =>
    found.length < 16 || !wholeNumber.test(found) || Number.isSafeInteger(Number(found))
      ? constantAsNull(found)
      : JSON.stringify(mark + found),
  );
  return JSON.parse(plain, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

const constantAsNull = (found: string): string =>
  found.endsWith("N") || found.endsWith("y") ? "null" : found;

/** The text with every number and constant outside its strings replaced. */
function withTokens(text: string, replace: (found: string) => string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (!/[-\dNI]/.test(text[at]!)) continue;
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (found === undefined) continue;
    const replaced = replace(found);
    if (replaced !== found) {
      parts.push(text.slice(from, at), replaced);
      from = at + found.length;
    }
    at += found.length - 1;
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

/** A text that no string of this JSON begins with, however it is escaped. */
function markFor(text: string): string {
  const shown = text.replace(/\\u([0-9a-fA-F]{4})/g, (_, code: string) =>
    String.fromCharCode(parseInt(code, 16)),
  );
  let mark = "#";
  while (shown.includes(mark)) mark += "#";
  return mark;
}
