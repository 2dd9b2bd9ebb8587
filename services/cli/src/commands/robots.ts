import { readFile } from "node:fs/promises";
import { UserError, webSettings } from "@pairloom/config";
import type { WebAnswer, WebNo } from "@pairloom/web";
import type { Command } from "commander";
import { createSay, type Say } from "../terminal/say.js";
import { allowPrivateOption, contactOption, jsonOption } from "./options.js";

interface WebOptions {
  allowPrivate?: string[];
  contact?: string;
}

interface RobotsOptions extends WebOptions {
  agent: string;
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
      "\nExample:\n  $ pairloom robots robots.txt --agent GPTBot https://a.example/private/x.jpg\n  $ pairloom robots https://a.example/robots.txt --contact me@b.example --json https://a.example/x.jpg\n",
    )
    .action(async (robots: string, urls: string[], options: RobotsOptions) => {
      const { robotsVerdicts } = await import("@pairloom/web");
      const say = createSay(options.json ?? false);
      const isUrl = /^https?:\/\//i.test(robots);
      const text = isUrl ? await fetchRobots(robots, options, say) : await readText(robots);
      if (isUrl) warnOfOthers(new URL(robots).host, urls, say);
      const verdicts = robotsVerdicts(text, options.agent, urls);
      say.result(
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

/** A robots.txt of the web; one that isn't there allows everything (RFC 9309 §2.3.1.3). @throws UserError otherwise */
async function fetchRobots(url: string, options: WebOptions, say: Say): Promise<Buffer> {
  const { saysNone } = await import("@pairloom/web");
  const answer = await fetchAnswer(url, options);
  if (answer.status === "ok") return answer.body.whole();
  if (!saysNone(answer)) throw unreachable(url, answer);
  say.info(`${url}: ${answer.reason}, so there are no rules and all is allowed`);
  return Buffer.alloc(0);
}

function warnOfOthers(host: string, urls: readonly string[], say: Say): void {
  const others = urls.filter((url) => URL.canParse(url) && new URL(url).host !== host);
  if (others.length === 0) return;
  say.warn(
    `${others.length} of the URLs belong to other hosts than ${host}, whose robots.txt doesn't hold for them`,
  );
}

/** A file or page of the web for the tools that take a URL as well. @throws UserError with the reason */
export async function fetchText(url: string, options: WebOptions): Promise<Buffer> {
  const answer = await fetchAnswer(url, options);
  if (answer.status === "ok") return answer.body.whole();
  throw unreachable(url, answer);
}

async function fetchAnswer(url: string, options: WebOptions): Promise<WebAnswer> {
  const { openWeb } = await import("@pairloom/web");
  const contact = options.contact ?? process.env["PAIRLOOM_CONTACT"] ?? null;
  const web = openWeb({ settings: webSettings.parse({ allowPrivate: options.allowPrivate ?? [], contact }) });
  try {
    return await web.getText(url);
  } finally {
    await web.close();
  }
}

function unreachable(url: string, { reason, errorMessage }: WebNo): UserError {
  return new UserError("url_unreachable", `${url}: ${reason} (${errorMessage})`);
}
