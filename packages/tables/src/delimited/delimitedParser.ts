import { UserError } from "@pairloom/config/errors";
import { countLineEnds, LineEnds } from "../text/lineEnds.js";
import { lineTooLong, maxRecordCharacters } from "../text/textLines.js";

/** One record of a delimited text. */
export interface TextRecord {
  /** The line on which it begins, from 1 on. */
  line: number;
  fields: string[];
}

/**
 * Records of a delimited text that comes in pieces, as RFC 4180 and pyarrow read it: a field is quoted where it begins with
 * a quote, a doubled quote in it is one, line ends in it stay; LF, CRLF and CR end records; empty lines are passed over.
 * What stands after a closing quote belongs to the field. Holds a piece and an unfinished record.
 */
export class DelimitedParser {
  private text = "";
  private line = 1;
  /** Where in the text a quote stands that isn't closed yet. */
  private openQuote: number | null = null;

  constructor(
    readonly delimiter: string,
    /** Names the text in messages. */
    private readonly name: string,
  ) {}

  /**
   * The records that are whole with this piece.
   * @param isLast ends the last record
   * @throws UserError "table_quote" for a quote that is never closed, "table_line_too_long"
   */
  push(piece: string, isLast: boolean): TextRecord[] {
    this.text += piece;
    const { text } = this;
    const ends = new LineEnds(text);
    this.openQuote = null;
    const records: TextRecord[] = [];
    let at = 0;
    while (at < text.length) {
      const end = ends.end(at);
      const quote = ends.find('"', at);
      if (quote >= 0 && (end < 0 || quote < end)) {
        const record = this.quoted(ends, at, isLast);
        if (record === null) break;
        records.push({ line: this.line, fields: record.fields });
        this.line += countLineEnds(text.slice(at, record.next));
        at = record.next;
        continue;
      }
      const next = end < 0 ? (isLast ? text.length : -1) : ends.after(end, isLast);
      if (next < 0) break;
      const record = text.slice(at, end < 0 ? text.length : end);
      if (record !== "") records.push({ line: this.line, fields: record.split(this.delimiter) });
      this.line++;
      at = next;
    }
    this.text = text.slice(at);
    const isTooLong = this.text.length > maxRecordCharacters;
    if (this.openQuote !== null && (isLast || isTooLong))
      throw this.unclosed(this.line + countLineEnds(text.slice(at, this.openQuote)));
    if (isTooLong) throw lineTooLong(this.name, this.line);
    return records;
  }

  /** The record that begins at `start` and has a quote in it; null where it is not whole yet. */
  private quoted(ends: LineEnds, start: number, isLast: boolean): { fields: string[]; next: number } | null {
    const { text } = ends;
    const fields: string[] = [];
    for (let at = start; ;) {
      let field = "";
      if (text[at] === '"') {
        const opened = at++;
        for (;;) {
          const quote = text.indexOf('"', at);
          if (quote < 0) {
            this.openQuote = opened;
            return null;
          }
          if (quote + 1 === text.length && !isLast) return null;
          field += text.slice(at, quote);
          at = quote + 1;
          if (text[at] !== '"') break;
          field += '"';
          at++;
        }
      }
      const end = ends.end(at);
      const delimiter = ends.find(this.delimiter, at);
      if (delimiter >= 0 && (end < 0 || delimiter < end)) {
        fields.push(field + text.slice(at, delimiter));
        at = delimiter + 1;
        continue;
      }
      const next = end < 0 ? (isLast ? text.length : -1) : ends.after(end, isLast);
      if (next < 0) return null;
      fields.push(field + text.slice(at, end < 0 ? text.length : end));
      return { fields, next };
    }
  }

  private unclosed(line: number): UserError {
    return new UserError("table_quote", `A quote opens on line ${line} of ${this.name} and is never closed`, {
      hint: "Double the quotes that belong to a value and put the value in quotes.",
    });
  }
}
