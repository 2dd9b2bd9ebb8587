import { readFile } from "node:fs/promises";
import { UserError, webSettings } from "@pairloom/config";
import { openWeb, robotsVerdicts } from "@pairloom/web";
import type { Command } from "commander";
import { createSay } from "../terminal/say.js";
import { allowPrivateOption, contactOption, jsonOption } from "./options.js";

interface RobotsOptions {
  agent: string;
  allowPrivate?: string[];
  contact?: string;
  json?: boolean;
}

/** `pairloom robots`: what a robots.txt says of some URLs. */
export function addRobotsCommand(program: Command): void {
  program
    .command("robots")
    .description("what a robots.txt says of some URLs")
    .argument("<robots>", "a robots.txt: a file, or its URL")
    .argument("<url...>", "URLs to ask about")
    .option("--agent <token>", "the crawler's product token", "pairloom")
    .addOption(allowPrivateOption())
    .addOption(contactOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  $ pairloom robots robots.txt --agent GPTBot https://a.example/private/x.jpg\n",
    )
    .action(async (robots: string, urls: string[], options: RobotsOptions) => {
      const text = /^https?:\/\//i.test(robots) ? await fetchText(robots, options) : await readText(robots);
      const verdicts = robotsVerdicts(text, options.agent, urls);
      createSay(options.json ?? false).result(
        verdicts,
        verdicts.urls
          .map(
            ({ url, allowed, rule }) =>
              `${allowed ? "allowed   " : "disallowed"} ${url}${rule === null ? "" : `  (${rule})`}`,
          )
          .join("\n"),
      );
    });
}

async function readText(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new UserError(
      "file_unreadable",
      `${path} can't be read (${(cause as NodeJS.ErrnoException).code ?? "?"})`,
      { cause },
    );
  }
}

/** A file or page of the web for the tools that take a URL as well. @throws UserError with the reason */
export async function fetchText(url: string, options: Omit<RobotsOptions, "agent">): Promise<Buffer> {
  const contact = options.contact ?? process.env["PAIRLOOM_CONTACT"] ?? null;
  const web = openWeb({ settings: webSettings.parse({ allowPrivate: options.allowPrivate ?? [], contact }) });
  try {
    const answer = await web.getText(url);
    if (answer.status === "ok") return answer.body;
    throw new UserError("url_unreachable", `${url}: ${answer.reason} (${answer.errorMessage})`);
  } finally {
    await web.close();
  }
}
