import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { UserError } from "@pairloom/config";
import { defaultContextLength } from "@pairloom/tokenizer";
import type { Command } from "commander";
import type { LineSettings } from "../project/tokenizeLines.js";
import { createSay } from "../terminal/say.js";
import { jsonOption, wholeNumber } from "./options.js";

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
    .action(tokenize);
}

async function tokenize(file: string | undefined, options: LineSettings): Promise<void> {
  const { tokenizeLines } = await import("../project/tokenizeLines.js");
  const say = createSay(options.json ?? false);
  if (file !== undefined && (await stat(file).catch(() => null))?.isFile() !== true)
    throw new UserError("file_missing", `There is no file ${file}`, {
      hint: "Leave it out to read standard input.",
    });
  const input: AsyncIterable<Buffer> = file === undefined ? process.stdin : createReadStream(file);
  const write = async (text: string) => {
    if (!process.stdout.write(text)) await new Promise((resolve) => process.stdout.once("drain", resolve));
  };
  const { failed, malformed } = await tokenizeLines(input, options, write, (line) => say.warn(line));
  if (malformed > 0)
    say.warn(`lines that are not UTF-8 throughout, with U+FFFD for such bytes: ${malformed}`);
  if (failed === 0) return;
  say.warn(`lines that could not be tokenised: ${failed}`);
  process.exitCode = 1;
}
