/**
 * Records of a delimited text (RFC 4180): fields may be quoted, quotes in them doubled, line breaks within quotes
 * kept; LF, CRLF and CR end records. Never throws: an open quote runs to the end.
 */
export function* parseDelimited(text: string, delimiter: "," | "\t"): Generator<string[]> {
  let at = 0;
  while (at < text.length) {
    const record: string[] = [];
    for (;;) {
      let field: string;
      if (text[at] === '"') {
        [field, at] = quotedField(text, at, delimiter);
      } else {
        const start = at;
        while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") at++;
        field = text.slice(start, at);
      }
      record.push(field);
      if (text[at] !== delimiter) break;
      at++;
    }
    if (text[at] === "\r") at++;
    if (text[at] === "\n") at++;
    yield record;
  }
}

function quotedField(text: string, start: number, delimiter: string): [string, number] {
  let field = "";
  let at = start + 1;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote < 0) return [field + text.slice(at), text.length];
    field += text.slice(at, quote);
    at = quote + 1;
    if (text[at] !== '"') break;
    field += '"';
    at++;
  }
  // what stands between the closing quote and the delimiter belongs to the field
  const rest = at;
  while (at < text.length && text[at] !== delimiter && text[at] !== "\n" && text[at] !== "\r") at++;
  return [field + text.slice(rest, at), at];
}
