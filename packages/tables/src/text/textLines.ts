import { UserError } from "@pairloom/config/errors";
import { LineEnds } from "./lineEnds.js";

/** Longest line, record or JSON value that is taken for one. */
export const maxRecordCharacters = 1 << 22;

export interface TextLine {
  /** From 1 on. */
  line: number;
  text: string;
}

export const lineTooLong = (name: string, line: number) =>
  new UserError(
    "table_line_too_long",
    `Line ${line} of ${name} has more than ${maxRecordCharacters} characters`,
    { hint: "Is it a text table? Its format can be named where its name doesn't tell it." },
  );

/** Lines of a text, many at a time; LF, CRLF and CR end them. @throws UserError "table_line_too_long" */
export async function* textLines(pieces: AsyncIterable<string>, name: string): AsyncGenerator<TextLine[]> {
  let rest = "";
  let line = 1;
  const take = (isLast: boolean): TextLine[] => {
    const ends = new LineEnds(rest);
    const lines: TextLine[] = [];
    let at = 0;
    for (;;) {
      const end = ends.end(at);
      const next = end < 0 ? -1 : ends.after(end, isLast);
      if (next < 0) break;
      lines.push({ line: line++, text: rest.slice(at, end) });
      at = next;
    }
    rest = rest.slice(at);
    if (rest.length > maxRecordCharacters) throw lineTooLong(name, line);
    return lines;
  };
  for await (const piece of pieces) {
    rest += piece;
    const lines = take(false);
    if (lines.length > 0) yield lines;
  }
  const lines = take(true);
  if (rest !== "") lines.push({ line, text: rest });
  if (lines.length > 0) yield lines;
}
