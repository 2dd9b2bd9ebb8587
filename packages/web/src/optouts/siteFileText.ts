import { siteText } from "../siteText.js";
import type { WebAnswer } from "../webAnswer.js";

const htmlTypes = new Set(["text/html", "application/xhtml+xml"]);

/**
 * The text of an answer to /ai.txt or /.well-known/tdmrep.json, or null where the site has no such file. Many sites
 * answer every unknown path with 200 and a page: what is called HTML, or begins as markup whatever it is called, is
 * such a page, and its lines are no rules.
 */
export function siteFileText(answer: WebAnswer): string | null {
  if (answer.status !== "ok" || htmlTypes.has(answer.contentType ?? "")) return null;
  const text = siteText(answer.body.whole());
  return /^\s*<[!?a-z]/i.test(text) ? null : text;
}
