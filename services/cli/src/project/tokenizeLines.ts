import { createTokenizer, defaultContextLength, type Tokenizer } from "@pairloom/tokenizer";
import { textLines } from "./textLines.js";

export interface LineSettings {
  /** Ids that a line may have, start and end included. */
  contextLength?: number | undefined;
  /** Cuts longer lines; else they are errors. */
  truncate?: boolean | undefined;
  /** Fills lines up to the context length with zeros. */
  pad?: boolean | undefined;
  /** JSON objects instead of numbers with spaces. */
  json?: boolean | undefined;
}

/** Bytes that a line may have. */
const maxLineBytes = 16 << 20;
/** Lines that are warned of one by one. */
const mostWarnings = 10;

/**
 * Tokenises lines as they come: a line of output for each. What can't be tokenised gives an empty one, or an object with
 * `line` and `error`.
 *
 * @param write waits until its text has been taken
 * @returns how many lines could not be tokenised, and how many had bytes that are no UTF-8
 */
export async function tokenizeLines(
  chunks: AsyncIterable<Buffer>,
  settings: LineSettings,
  write: (text: string) => Promise<void>,
  warn: (line: string) => void,
): Promise<{ failed: number; malformed: number }> {
  const idsOf = idsOfLine(createTokenizer(), settings);
  let failed = 0;
  let malformed = 0;
  for await (const lines of textLines(chunks, maxLineBytes)) {
    let output = "";
    for (const { number, text, wellFormed } of lines) {
      if (!wellFormed) malformed++;
      const ids = text === null ? lineTooLong : idsOf(text);
      if (Array.isArray(ids)) {
        output += settings.json === true ? `{"ids":[${ids.join()}]}\n` : `${ids.join(" ")}\n`;
        continue;
      }
      output += settings.json === true ? `${JSON.stringify({ line: number, error: ids })}\n` : "\n";
      if (++failed <= mostWarnings) warn(`line ${number}: ${ids.message}`);
    }
    await write(output);
  }
  return { failed, malformed };
}

interface LineError {
  code: string;
  message: string;
}

const lineTooLong: LineError = {
  code: "line_too_long",
  message: `the line has more than ${maxLineBytes >> 20} MiB; is this a file of captions?`,
};

/** The ids of a line with start and end, or why there are none. */
function idsOfLine(
  tokenizer: Tokenizer,
  { contextLength, truncate = false, pad = false }: LineSettings,
): (text: string) => number[] | LineError {
  const most = contextLength ?? (truncate || pad ? defaultContextLength : Infinity);
  return (text) => {
    const ids = tokenizer.encode(text);
    if (ids.length + 2 > most) {
      if (!truncate)
        return {
          code: "text_too_long",
          message: `${ids.length + 2} ids, the context length is ${most}; shorten it, or cut it with --truncate`,
        };
      ids.length = most - 2;
    }
    const row = [tokenizer.startOfText, ...ids, tokenizer.endOfText];
    return pad ? [...row, ...new Array<number>(most - row.length).fill(0)] : row;
  };
}
