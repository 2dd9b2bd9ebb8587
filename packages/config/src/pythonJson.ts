export interface PythonJsonOptions {
  /** "bigint" keeps every digit of whole numbers that a JavaScript number can't hold; "number" rounds them. */
  integers?: "number" | "bigint";
}

const unusual = /NaN|Infinity/;
const longDigits = /\d{16}/;
/** Strings are stepped over whole, so that nothing in them is taken for a token. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?(?:NaN|Infinity)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/**
 * Parses JSON as Python's `json` writes it: NaN, Infinity and -Infinity are null, a byte order mark is passed over.
 * @throws SyntaxError where it is no JSON beyond that
 */
export function parsePythonJson(text: string, { integers = "number" }: PythonJsonOptions = {}): unknown {
  const bare = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const keepsDigits = integers === "bigint" && longDigits.test(bare);
  if (!keepsDigits && !unusual.test(bare)) return JSON.parse(bare);
  const mark = markFor(bare);
  let marked = false;
  const plain = bare.replace(tokens, (token) => {
    if (token.startsWith('"')) return token;
    if (token.endsWith("N") || token.endsWith("y")) return "null";
    if (!keepsDigits || token.length < 16 || !/^-?(?:0|[1-9]\d*)$/.test(token)) return token;
    if (Number.isSafeInteger(Number(token))) return token;
    marked = true;
    return JSON.stringify(mark + token);
  });
  if (!marked) return JSON.parse(plain);
  return JSON.parse(plain, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
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
