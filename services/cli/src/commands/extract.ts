import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { createSay } from "../terminal/say.js";
import { allowPrivateOption, contactOption, jsonOption } from "./options.js";
import { fetchText } from "./robots.js";

interface ExtractOptions {
  base?: string;
  allowPrivate?: string[];
  contact?: string;
  json?: boolean;
}

/** `pairloom extract`: the image–text candidates of one page. */
export function addExtractCommand(program: Command): void {
  program
    .command("extract")
    .description("the images of a page with every text that describes them")
    .argument("<page>", "an HTML file, or a URL")
    .option("--base <url>", "the URL a file was read from, for its relative links")
    .addOption(allowPrivateOption())
    .addOption(contactOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  $ pairloom extract page.html --base https://a.example/page.html --json\n",
    )
    .action(async (page: string, options: ExtractOptions) => {
      const { extractCandidates } = await import("@pairloom/extract");
      const isUrl = /^https?:\/\//i.test(page);
      const html = isUrl ? await fetchText(page, options) : await readFile(page);
      const found = extractCandidates({
        html,
        url: isUrl ? page : (options.base ?? pathToFileURL(page).href),
        source: "page",
        query: null,
      });
      createSay(options.json ?? false).result(
        found,
        found.candidates
          .map(
            ({ imageUrl, texts }) =>
              `${imageUrl}\n${texts.map(({ kind, text }) => `    ${kind}: ${text}`).join("\n")}`,
          )
          .join("\n"),
      );
    });
}
