import { UserError } from "@pairloom/config/errors";
import { LineEnds } from "../text/lineEnds.js";
import { maxRecordCharacters } from "../text/textLines.js";

/** The text of one JSON value. */
export interface JsonText {
  /** The line on which it begins, from 1 on. */
  line: number;
  text: string;
}

const quote = 34;
const backslash = 92;
const comma = 44;
const [openBracket, closeBracket, openBrace, closeBrace] = [91, 93, 123, 125];

const isSpace = (code: number): boolean => code === 32 || code === 10 || code === 13 || code === 9;

/**
 * The texts of the values of a JSON document that is an array, or of values that follow each other (JSON lines), many at a
 * time, as they come: never the whole. The values themselves are not looked at.
 * @throws UserError "table_json" where the document is neither, or is cut off
 */
export async function* jsonTexts(
  pieces: AsyncIterable<string>,
  name: string,
  maxCharacters = maxRecordCharacters,
): AsyncGenerator<JsonText[]> {
  const scanner = new JsonScanner(name, maxCharacters);
  for await (const piece of pieces) {
    const found = scanner.push(piece);
    if (found.length > 0) yield found;
  }
  const last = scanner.end();
  if (last.length > 0) yield last;
}

/** What may come next at the document's outermost level. */
type Expects = "anything" | "a value" | "a value or ]" | "a comma or ]" | "nothing";

class JsonScanner {
  private held = "";
  private at = 0;
  private line = 1;
  private afterReturn = false;
  private expects: Expects = "anything";
  private begun = false;
  private inArray = false;
  /** Where the value in hand begins, and what of it is open. */
  private start = -1;
  private startLine = 1;
  private depth = 0;
  private inString = false;
  private isScalar = false;

  constructor(
    private readonly name: string,
    private readonly maxCharacters: number,
  ) {}

  push(piece: string): JsonText[] {
    this.held += piece;
    const found: JsonText[] = [];
    const { held } = this;
    const ends = new LineEnds(held);
    for (; this.at < held.length; this.at++) {
      if (this.inString) {
        const end = ends.find('"', this.at);
        const escape = ends.find("\\", this.at);
        this.at = escape >= 0 && (end < 0 || escape < end) ? escape : end < 0 ? held.length : end;
        if (this.at === held.length) break;
      }
      const code = held.charCodeAt(this.at);
      this.countLine(code);
      if (this.start >= 0) this.within(code, found);
      else this.between(code);
    }
    const keep = this.start < 0 ? held.length : this.start;
    this.held = held.slice(keep);
    this.at -= keep;
    if (this.start >= 0) this.start = 0;
    if (this.held.length > this.maxCharacters)
      throw this.wrong(
        `has a value of more than ${this.maxCharacters} characters on line ${this.startLine}`,
        "Write the table as an array of objects, one a row (pandas: to_json(orient='records')), or as JSON lines.",
      );
    return found;
  }

  end(): JsonText[] {
    const found: JsonText[] = [];
    if (this.start >= 0 && this.isScalar && !this.inString) this.close(this.held.length, found);
    if (this.start >= 0)
      throw this.wrong(`ends in the middle of the value that begins on line ${this.startLine}`);
    if (this.inArray && this.expects !== "nothing") throw this.wrong("ends before its array is closed");
    return found;
  }

  private countLine(code: number): void {
    if (code === 13 || (code === 10 && !this.afterReturn)) this.line++;
    this.afterReturn = code === 13;
  }

  private within(code: number, found: JsonText[]): void {
    if (this.inString) {
      // What is escaped may lie in the next piece: the place is then beyond this one's end.
      if (code === backslash) this.at++;
      else if (code === quote) {
        this.inString = false;
        if (this.depth === 0) this.close(this.at + 1, found);
      }
    } else if (this.isScalar) {
      if (!isSpace(code) && code !== comma && code !== closeBracket) return;
      this.close(this.at, found);
      this.between(code);
    } else if (code === quote) this.inString = true;
    else if (code === openBrace || code === openBracket) this.depth++;
    else if ((code === closeBrace || code === closeBracket) && --this.depth === 0)
      this.close(this.at + 1, found);
  }

  private close(end: number, found: JsonText[]): void {
    found.push({ line: this.startLine, text: this.held.slice(this.start, end) });
    this.start = -1;
    this.expects = this.inArray ? "a comma or ]" : "anything";
  }

  private between(code: number): void {
    if (isSpace(code)) return;
    const { expects } = this;
    if (this.inArray && code === closeBracket && (expects === "a comma or ]" || expects === "a value or ]"))
      this.expects = "nothing";
    else if (expects === "a comma or ]" && code === comma) this.expects = "a value";
    else if (expects === "anything" && code === openBracket && !this.begun) {
      this.inArray = true;
      this.expects = "a value or ]";
    } else if (expects === "nothing" || expects === "a comma or ]" || code === comma || code === closeBracket)
      throw this.unexpected();
    else this.open(code);
    this.begun = true;
  }

  private open(code: number): void {
    this.start = this.at;
    this.startLine = this.line;
    this.depth = code === openBrace || code === openBracket ? 1 : 0;
    this.inString = code === quote;
    this.isScalar = this.depth === 0 && !this.inString;
  }

  private unexpected(): UserError {
    const shown = JSON.stringify(this.held.slice(this.at, this.at + 40));
    const where =
      this.expects === "nothing"
        ? "after its array's end"
        : this.expects === "a comma or ]"
          ? "where a comma or ] should be"
          : "where a value should begin";
    return this.wrong(`holds ${shown} ${where} (line ${this.line})`);
  }

  private wrong(
    what: string,
    hint = "A JSON table is an array of objects, or one object a line.",
  ): UserError {
    return new UserError("table_json", `${this.name} ${what}`, { hint });
  }
}
