import { maxRecordCharacters } from "../text/textLines.js";
import { DelimitedParser, type TextRecord } from "./delimitedParser.js";

/**
 * Records of a delimited text, many at a time.
 * @param choose says what separates the fields, by the text's first line that isn't empty
 * @throws UserError as `DelimitedParser.push` does
 */
export async function* delimitedRecords(
  pieces: AsyncIterable<string>,
  name: string,
  choose: (firstLine: string) => string,
): AsyncGenerator<TextRecord[]> {
  let parser: DelimitedParser | null = null;
  let head = "";
  const firstLine = () => /[^\r\n]+/.exec(head)?.[0] ?? "";
  for await (const piece of pieces) {
    let fresh = piece;
    if (parser === null) {
      head += piece;
      const isWhole = /[^\r\n][\r\n]/.test(head);
      if (!isWhole && head.length < maxRecordCharacters) continue;
      parser = new DelimitedParser(choose(firstLine()), name);
      fresh = head;
    }
    const records = parser.push(fresh, false);
    if (records.length > 0) yield records;
  }
  const last =
    parser === null ? new DelimitedParser(choose(firstLine()), name).push(head, true) : parser.push("", true);
  if (last.length > 0) yield last;
}
