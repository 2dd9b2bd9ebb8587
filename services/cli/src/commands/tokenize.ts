import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { UserError } from "@pairloom/config";
import { createTokenizer, defaultContextLength, type Tokenizer } from "@pairloom/tokenizer";
import type { Command } from "commander";
import { textLines } from "../project/textLines.js";
import { createSay } from "../terminal/say.js";
import { jsonOption, wholeNumber } from "./options.js";

interface TokenizeOptions {
  contextLength?: number;
  truncate?: boolean;
  pad?: boolean;
  json?: boolean;
}

/** Bytes that a line may have. */
const maxLineBytes = 16 << 20;

/** `pairloom tokenize`: a line of text in, its ids out. */
export function addTokenizeCommand(program: Command): void {
  program
    .command("tokenize")
    .description("CLIP's byte-pair encoding: a line of text in, its ids out (start and end token included)")
    .argument("[file]", "lines of text in UTF-8; standard input by default")
    .option(
      "--context-length <n>",
      "ids that a line may have, start and end included: a line of more is an error, as with OpenAI's tokenizer",
      wholeNumber(2),
    )
    .option(
      "--truncate",
      `cut longer lines instead, as open_clip does (at ${defaultContextLength} by default)`,
    )
    .option(
      "--pad",
      `fill each line up to the context length with zeros (${defaultContextLength} by default)`,
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nEach line of input gives one line of output. What can't be tokenised gives an empty one (with --json:\n" +
        '{"line", "error"}) and exit code 1; bytes that are no UTF-8 count as U+FFFD.\n' +
        '\nExamples:\n  $ echo "a red star" | pairloom tokenize --json\n' +
        "  $ pairloom tokenize captions.txt --context-length 77 --truncate --pad --json > ids.jsonl\n",
    )
    .action(tokenizeLines);
}

async function tokenizeLines(file: string | undefined, options: TokenizeOptions): Promise<void> {
  const say = createSay(options.json ?? false);
  if (file !== undefined && (await stat(file).catch(() => null))?.isFile() !== true)
    throw new UserError("file_missing", `There is no file ${file}`, {
      hint: "Leave it out to read standard input.",
    });
  const input: AsyncIterable<Buffer> = file === undefined ? process.stdin : createReadStream(file);
  const idsOf = idsOfLine(createTokenizer(), options);
  let failed = 0;
  let malformed = 0;
  for await (const lines of textLines(input, maxLineBytes)) {
    let output = "";
    for (const { number, text, wellFormed } of lines) {
      if (!wellFormed) malformed++;
      const ids = text === null ? tooLongALine : idsOf(text);
      if (Array.isArray(ids)) {
        output += say.json ? `{"ids":[${ids.join()}]}\n` : `${ids.join(" ")}\n`;
        continue;
      }
      failed++;
      output += say.json ? `${JSON.stringify({ line: number, error: ids })}\n` : "\n";
      if (failed <= 10) say.warn(`line ${number}: ${ids.message}`);
    }
    if (!process.stdout.write(output)) await new Promise((resolve) => process.stdout.once("drain", resolve));
  }
  if (malformed > 0) say.warn(`${malformed} lines are not UTF-8 throughout: U+FFFD stands for such bytes`);
  if (failed > 0) {
    say.warn(`${failed} lines could not be tokenised`);
    process.exitCode = 1;
  }
}

const tooLongALine = {
  code: "line_too_long",
  message: `the line has more than ${maxLineBytes >> 20} MiB; is this a file of captions?`,
};

/** The ids of a line with start and end, or why there are none. */
function idsOfLine(tokenizer: Tokenizer, { contextLength, truncate = false, pad = false }: TokenizeOptions) {
  const most = contextLength ?? (truncate || pad ? defaultContextLength : Infinity);
  return (text: string): number[] | { code: string; message: string } => {
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
