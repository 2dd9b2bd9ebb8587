import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createTokenizer } from "@pairloom/tokenizer";
import type { Command } from "commander";
import { jsonOption } from "./options.js";

/** `pairloom tokenize`: a line of text in, its ids out. */
export function addTokenizeCommand(program: Command): void {
  program
    .command("tokenize")
    .description("CLIP's byte-pair encoding: a line of text in, its ids out (start and end token included)")
    .argument("[file]", "lines of text; standard input by default")
    .addOption(jsonOption())
    .addHelpText("after", '\nExample:\n  $ echo "a red star" | pairloom tokenize --json\n')
    .action(async (file: string | undefined, options: { json?: boolean }) => {
      const tokenizer = createTokenizer();
      const input = file === undefined ? process.stdin : createReadStream(file);
      for await (const line of createInterface({ input, crlfDelay: Infinity })) {
        const ids = [tokenizer.startOfText, ...tokenizer.encode(line), tokenizer.endOfText];
        const text = options.json === true ? JSON.stringify({ ids }) : ids.join(" ");
        if (!process.stdout.write(text + "\n"))
          await new Promise((resolve) => process.stdout.once("drain", resolve));
      }
    });
}
